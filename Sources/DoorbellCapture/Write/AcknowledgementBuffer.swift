import DoorbellCore

/// Acknowledgements on their way to the database: the newest of each cursor, gathered so that many leave in one statement. Pure.
///
/// Bounded: at most `capacity` cursors, some 200 bytes each. One more is dropped, which costs its client a redelivery and
/// nothing else; a cursor that is here already moves on in any case.
struct AcknowledgementBuffer {
    /// Cursors.
    let capacity: Int
    private var pending: [CursorKey: Position] = [:]
    /// What is being written.
    private var inFlight: [CursorKey: Position] = [:]

    init(capacity: Int) { self.capacity = capacity }

    /// Whether something waits to be written.
    var hasPending: Bool { !pending.isEmpty }

    /// - Returns: `false` when it was dropped.
    mutating func add(_ position: Position, to key: CursorKey) -> Bool {
        if let known = pending[key] {
            pending[key] = max(known, position)
            return true
        }
        guard pending.count + inFlight.count < capacity else { return false }
        pending[key] = position
        return true
    }

    /// Takes up to `limit` out, to be written. ``settle(written:)`` follows before the next.
    mutating func take(_ limit: Int) -> [CursorKey: Position] {
        if pending.count <= limit {
            inFlight = pending
            pending = [:]
        } else {
            for (key, position) in pending.prefix(limit) { inFlight[key] = position }
            for key in inFlight.keys { pending[key] = nil }
        }
        return inFlight
    }

    /// What was taken is written; or was not, and waits again.
    mutating func settle(written: Bool) {
        if !written {
            // What came meanwhile is newer, or a client that went back; the database keeps the newest in any case.
            pending.merge(inFlight) { max($0, $1) }
        }
        inFlight = [:]
    }

    /// The newest acknowledgement that the database may not know yet.
    func newest(of key: CursorKey) -> Position? {
        switch (pending[key], inFlight[key]) {
        case (let a?, let b?): max(a, b)
        case (let a, let b): a ?? b
        }
    }
}
