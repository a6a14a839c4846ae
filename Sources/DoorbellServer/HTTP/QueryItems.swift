import DoorbellCore

/// The query of a request target, as `application/x-www-form-urlencoded` (WHATWG URL, section 5.1). What is not valid
/// percent-encoding is left as it stands.
struct QueryItems {
    let items: [(name: String, value: String)]

    init(target: String) {
        guard let mark = target.firstIndex(of: "?") else {
            items = []
            return
        }
        items = target[target.index(after: mark)...].split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
        }
    }

    /// The first value of `name`.
    subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    private static func decoded(_ text: Substring) -> String {
        let spaced = String(text.map { $0 == "+" ? " " : $0 })
        return PercentEncoding.decode(spaced.utf8) ?? spaced
    }
}
