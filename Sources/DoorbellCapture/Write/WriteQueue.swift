import DoorbellCore

/// What ``DatabaseWriter`` has to do, in which order and by when. Pure; time is an argument.
///
/// Bounded: at most ``capacity`` jobs, of at most 64 KiB each; one more is refused. Acknowledgements are not jobs: see
/// ``AcknowledgementBuffer``.
struct WriteQueue {
    struct Publish: Sendable {
        let channel: ChannelName
        let message: DirectMessage
        let done: @Sendable (WriteFailure?) -> Void
    }

    struct Opening: Sendable {
        let key: CursorKey
        /// Where the cursor begins when there is none.
        let start: Position
        let done: @Sendable (Result<OpenedCursor, WriteFailure>) -> Void
    }

    enum Job: Sendable {
        case publish(Publish)
        case open(Opening)

        func fail(_ failure: WriteFailure) {
            switch self {
            case .publish(let publish): publish.done(failure)
            case .open(let opening): opening.done(.failure(failure))
            }
        }
    }

    enum Work {
        /// In this order, in one transaction.
        case publish([Publish])
        /// Of different cursors.
        case open([Opening])
        case move([CursorKey: Position])
        case prune
    }

    enum Next: Equatable {
        case work
        /// `nil`: until something comes.
        case wait(until: ContinuousClock.Instant?)
        case finish
    }

    static let capacity = 1024
    /// Jobs that are done in one transaction: a commit costs the same for one and for many.
    static let groupSize = 64
    /// Cursors that are moved in one statement.
    static let moveSize = 2000
    /// How long acknowledgements are gathered.
    static let gather: Duration = .milliseconds(200)
    /// When cursors are moved again that could not be moved.
    static let moveAgain: Duration = .seconds(1)
    /// How long a writer that is told to stop goes on with what waits.
    static let farewell: Duration = .seconds(3)

    private var jobs: [(job: Job, deadline: ContinuousClock.Instant)] = []
    var acknowledgements = AcknowledgementBuffer(capacity: 65_536)
    private var moveAt: ContinuousClock.Instant?
    /// `nil`: there is nothing to prune.
    private let pruneInterval: Duration?
    private var pruneAt: ContinuousClock.Instant?
    private var finishBy: ContinuousClock.Instant?

    init(pruneInterval: Duration?, now: ContinuousClock.Instant) {
        self.pruneInterval = pruneInterval
        self.pruneAt = pruneInterval.map { now + $0 }
    }

    var isStopping: Bool { finishBy != nil }

    /// - Returns: `false` when there is no room, or the writer is stopping.
    mutating func add(_ job: Job, deadline: ContinuousClock.Instant) -> Bool {
        guard !isStopping, jobs.count < Self.capacity else { return false }
        jobs.append((job, deadline))
        return true
    }

    /// - Returns: `false` when it was dropped.
    mutating func acknowledge(_ key: CursorKey, _ position: Position, now: ContinuousClock.Instant) -> Bool {
        if moveAt == nil { moveAt = now + Self.gather }
        return acknowledgements.add(position, to: key)
    }

    mutating func stop(now: ContinuousClock.Instant) {
        guard !isStopping else { return }
        finishBy = now + Self.farewell
        pruneAt = nil
        if moveAt != nil { moveAt = now }
    }

    /// Takes the jobs out whose time is over.
    mutating func expire(now: ContinuousClock.Instant) -> [Job] {
        let everything = finishBy.map { $0 <= now } ?? false
        let expired = jobs.filter { everything || $0.deadline <= now }.map(\.job)
        if !expired.isEmpty { jobs.removeAll { everything || $0.deadline <= now } }
        return expired
    }

    /// The end: what is left will not be done.
    mutating func finish() -> [Job] {
        defer { jobs = [] }
        return jobs.map(\.job)
    }

    /// - Parameter retryAt: Before this nothing may be tried, because the database was away a moment ago.
    func next(now: ContinuousClock.Instant, retryAt: ContinuousClock.Instant?) -> Next {
        let moves = acknowledgements.hasPending ? (moveAt ?? now) : nil
        if let finishBy, finishBy <= now || jobs.isEmpty && moves == nil { return .finish }
        guard var due = [jobs.isEmpty ? nil : now, moves, pruneAt].compactMap({ $0 }).min() else {
            return .wait(until: nil)
        }
        if let retryAt { due = max(due, retryAt) }
        if due <= now { return .work }
        return .wait(until: ([due, finishBy] + jobs.map(\.deadline)).compactMap { $0 }.min())
    }

    /// The most pressing work, out of the queue. `nil`: nothing is due.
    mutating func take(now: ContinuousClock.Instant) -> Work? {
        // First, or a busy queue would keep them waiting for ever.
        if acknowledgements.hasPending, (moveAt ?? now) <= now {
            return .move(acknowledgements.take(Self.moveSize))
        }
        switch jobs.first?.job {
        case .publish?:
            var group: [Publish] = []
            for (job, _) in jobs.prefix(Self.groupSize) {
                guard case .publish(let publish) = job else { break }
                group.append(publish)
            }
            jobs.removeFirst(group.count)
            return .publish(group)
        case .open?:
            var group: [Opening] = []
            var keys: Set<CursorKey> = []
            for (job, _) in jobs.prefix(Self.groupSize) {
                guard case .open(let opening) = job, keys.insert(opening.key).inserted else { break }
                group.append(opening)
            }
            jobs.removeFirst(group.count)
            return .open(group)
        case nil: break
        }
        if let pruneAt, let pruneInterval, pruneAt <= now {
            self.pruneAt = now + pruneInterval
            return .prune
        }
        return nil
    }

    /// What came of ``Work/move(_:)``.
    mutating func settle(written: Bool, now: ContinuousClock.Instant) {
        acknowledgements.settle(written: written)
        let pause = written ? (isStopping ? .zero : Self.gather) : Self.moveAgain
        moveAt = acknowledgements.hasPending ? now + pause : nil
    }
}
