import DoorbellCore

/// Where the rows of a polled body are, so that row changes can be applied to it without a fetch.
public struct RowList: Sendable {
    /// The path of the list, such as `data.rows`; empty: the body itself.
    public var items: String
    /// The columns that tell rows apart.
    public var key: [String]
    /// A column, with `-` before it descending; `nil`: new rows come last.
    public var order: String?
    /// At most so many rows; `nil`: all.
    public var limit: Int?
    /// Which rows are in the list; `nil`: all. Called on an event loop: must not block.
    public var filter: (@Sendable (_ row: JSONValue) -> Bool)?

    public init(
        items: String = "items", key: [String] = ["id"], order: String? = nil, limit: Int? = nil,
        filter: (@Sendable (_ row: JSONValue) -> Bool)? = nil
    ) {
        self.items = items
        self.key = key
        self.order = order
        self.limit = limit.map { max(0, $0) }
        self.filter = filter
    }

    /// What a change does to a state.
    enum Outcome: Equatable {
        /// It is out of sight.
        case unchanged
        case changed(JSONValue)
        /// Only a poll can tell.
        case unknown
    }

    /// The state after a row change, as the poll would answer. Changes may repeat.
    func apply(_ change: FeedMessage, to state: JSONValue) -> Outcome {
        let path = items.isEmpty ? [] : items.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let rows = path.reduce(state, { (value: JSONValue?, name) in value?[name] })?.array,
            let operation = change.operation
        else { return .unknown }
        func with(_ rows: [JSONValue]) -> Outcome { .changed(Self.replacing(state, path[...], rows)) }

        if operation == .truncate { return with([]) }
        guard let key = change.key else { return .unknown }
        let place = rows.firstIndex { row in self.key.allSatisfy { (row[$0] ?? .null) == (key[$0] ?? .null) } }
        let isFull = limit.map { rows.count >= $0 } ?? false
        let row = change.data ?? .null
        if operation == .delete || filter?(row) == false {
            guard let place else { return .unchanged }
            // Behind a full window there may be a row that moves in.
            if isFull { return .unknown }
            var others = rows
            others.remove(at: place)
            return with(others)
        }
        guard row.object != nil else { return .unknown }
        var others = rows
        if let place {
            if order == nil || isOrdered(row, rows[place]) == .same {
                others[place] = row
                return with(others)
            }
            others.remove(at: place)
        }
        var end = others.count
        if order != nil {
            for (index, other) in others.enumerated() {
                guard let sorting = isOrdered(row, other) else { return .unknown }
                if sorting == .before {
                    end = index
                    break
                }
            }
        }
        if isFull, end == others.count { return place == nil ? .unchanged : .unknown }
        others.insert(row, at: end)
        return with(limit.map { Array(others.prefix($0)) } ?? others)
    }

    private enum Sorting { case before, same, after }

    /// `nil` where the two have values that cannot be compared here.
    private func isOrdered(_ a: JSONValue, _ b: JSONValue) -> Sorting? {
        let isDescending = order?.hasPrefix("-") ?? false
        let name = String((order ?? "").dropFirst(isDescending ? 1 : 0))
        let (a, b) = (a[name] ?? .null, b[name] ?? .null)
        if a == b { return .same }
        let isLess: Bool
        if let a = a.integer, let b = b.integer {
            isLess = a < b
        } else if let a = a.number, let b = b.number {
            isLess = a < b
        } else if let a = a.string, let b = b.string {
            isLess = a.utf8.lexicographicallyPrecedes(b.utf8)
        } else {
            return nil
        }
        return isLess != isDescending ? .before : .after
    }

    private static func replacing(_ state: JSONValue, _ path: ArraySlice<String>, _ rows: [JSONValue]) -> JSONValue {
        guard let name = path.first, var members = state.object else { return .array(rows) }
        members[name] = replacing(members[name] ?? .null, path.dropFirst(), rows)
        return .object(members)
    }
}
