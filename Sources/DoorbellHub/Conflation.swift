import DoorbellCore

/// Which of the messages that a client is behind on still say something: for features with `slow: conflate`. Pure.
///
/// The *conflation rule*: whoever applies what is kept, in order, to rows by key has the same rows as whoever applies everything.
/// A message is left out when a newer one of the same row follows it. `truncate` and `reset` take the place of every row change before
/// them, `reset` and a signal that of every signal before them. What has no key is kept, and so is every direct message.
struct Conflation {
    /// Messages that are looked at together, so that a long history costs its subscriber's loop no more than a millisecond at a time.
    static let window = 4096

    /// Oldest first.
    let kept: [Publication]
    /// Messages up to the last of ``kept`` that were left out.
    let dropped: Int
    /// Whether ``kept`` goes to the end of what was given, which its newest message always does.
    let isWhole: Bool

    /// - Parameters:
    ///   - publications: Of one channel, oldest first.
    ///   - limit: Bytes, by ``Publication/cost``; one message is kept in any case.
    init(of publications: [Publication], limit: Int) {
        var newer = Newer()
        var places: [Int] = []
        for index in publications.indices.reversed() where newer.leaves(publications[index]) { places.append(index) }
        var bytes = 0
        let fitting = places.reversed().prefix { index in
            defer { bytes += publications[index].cost }
            return bytes == 0 || bytes + publications[index].cost <= limit
        }
        kept = fitting.map { publications[$0] }
        dropped = (fitting.last.map { $0 + 1 } ?? 0) - kept.count
        isWhole = fitting.count == places.count
    }

    /// What the messages that were looked at, the newest first, take the place of.
    private struct Newer {
        /// By key: the next newer operation on that row.
        private var rows: [[UInt8]: Operation] = [:]
        private var isTruncated = false
        private var isReset = false
        private var hasSignal = false

        /// Takes the next older message.
        ///
        /// - Returns: Whether it still says something.
        mutating func leaves(_ publication: Publication) -> Bool {
            switch publication.content {
            // Said once: nothing newer says it again, and no fetch brings it.
            case .message: return true
            case .reset:
                defer { isReset = true }
                return !isReset
            case .signal:
                defer { hasSignal = true }
                return !hasSignal && !isReset
            case .change(.truncate, _):
                defer { isTruncated = true }
                return !isTruncated && !isReset
            case .change(let operation, let renditions):
                if isTruncated || isReset { return false }
                guard let key = renditions.first?.key else { return true }
                let next = rows.updateValue(operation, forKey: key)
                // Two deletes in a row: a table without a primary key, whose deletes carry the row in the key's place.
                return next == nil || (next == .delete && operation == .delete)
            }
        }
    }
}
