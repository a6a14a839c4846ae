internal import DequeModule
import DoorbellCore

/// What one channel remembers. Pure.
///
/// Invariant, the *floor rule*: every message of the channel after ``floor`` is in ``history``. Whoever asks for something
/// at or after the floor is recovered completely; whoever asks for something before it is told that it cannot be.
struct ChannelState {
    /// Oldest first.
    private(set) var history: Deque<Publication> = []
    private(set) var floor: Position
    /// The newest message, also when it has left the history.
    private(set) var last: Position?
    var subscribers = 0
    /// When the last subscriber left; `nil` while there are some, or if there never were.
    var vacantSince: Timestamp?

    init(floor: Position) { self.floor = floor }

    mutating func append(_ publication: Publication) {
        history.append(publication)
        last = publication.position
    }

    /// Forgets the oldest message.
    mutating func evict() -> Publication? {
        guard let oldest = history.popFirst() else { return nil }
        floor = max(floor, oldest.position)
        return oldest
    }

    /// Forgets everything; the stream begins anew after `position`.
    mutating func restart(at position: Position) {
        history.removeAll()
        floor = position
        last = nil
    }

    /// Messages after `position`, oldest first.
    func messages(after position: Position) -> Deque<Publication>.SubSequence {
        history[index(after: position)...]
    }

    /// The first message that is after `position`.
    private func index(after position: Position) -> Int {
        var low = history.startIndex
        var high = history.endIndex
        while low < high {
            let middle = (low + high) / 2
            if history[middle].position > position { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
