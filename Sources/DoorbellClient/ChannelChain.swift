import DoorbellCore

/// How far one channel's stream is known, and whether each message follows the one before it. Pure.
struct ChannelChain: Equatable, Sendable {
    enum Verdict: Equatable, Sendable {
        /// The next one.
        case next
        /// Delivered before: a resumption may repeat messages.
        case repeated
        /// A message between `known` and this one is missing.
        case gap(known: Position, previous: Position)
    }

    /// Everything up to here has been seen; `nil`: nothing is known yet.
    private(set) var known: Position?
    /// Up to here messages were left out: what `previous` says is of no use.
    private var conflatedThrough: Position?

    init(known: Position? = nil) { self.known = known }

    /// A stream begins, or begins anew without what was before.
    mutating func restart(at position: Position?) { (known, conflatedThrough) = (position, nil) }

    /// Messages up to `position` were left out, because newer ones say the same and more.
    mutating func conflate(through position: Position) { conflatedThrough = position }

    mutating func receive(position: Position, previous: Position?) -> Verdict {
        guard let known else {
            self.known = position
            return .next
        }
        // A new epoch is newer whatever its numbers are; within one, positions are ordered.
        if position.epoch == known.epoch, position <= known { return .repeated }
        self.known = position
        if let end = conflatedThrough {
            if position >= end { conflatedThrough = nil }
            if position <= end { return .next }
        }
        if let previous, previous > known { return .gap(known: known, previous: previous) }
        return .next
    }
}
