import NIOCore

/// Who asks the legacy API for a new answer, on one event loop: a change may concern thousands of subscribers, and polls want their turn as well.
/// Lives on that loop.
///
/// At most ``capacity`` ask at a time; the others wait in the order of coming, each once.
final class AnswerTurns {
    static let capacity = 64

    private var asking = 0
    private var waiting: CircularBuffer<AnswerFeed> = []

    /// - Returns: Whether it may ask at once; otherwise ``AnswerFeed/turn()`` is called.
    func take(_ feed: AnswerFeed) -> Bool {
        guard asking < Self.capacity else {
            waiting.append(feed)
            return false
        }
        asking += 1
        return true
    }

    func give() {
        asking -= 1
        while asking < Self.capacity, let next = waiting.popFirst() {
            asking += 1
            if !next.turn() { asking -= 1 }
        }
    }
}

@available(*, unavailable)
extension AnswerTurns: Sendable {}
