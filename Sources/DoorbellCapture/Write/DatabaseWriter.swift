internal import Dispatch
public import DoorbellCore
public import Logging
import Metrics
public import ServiceLifecycle

/// Writes what clients say into the database: direct messages, and how far they have got.
///
/// Has a thread and a connection of its own, made at the first use, found again by itself, so that nothing that it waits for
/// holds up capture or an event loop. Its methods may be called on any thread and never block; completions are called on
/// the writer's thread and must not block either. Every job has a deadline: it is answered by then, or one statement
/// (4 s at most) later. Run it once.
public final class DatabaseWriter: Service {
    fileprivate struct Shared {
        var queue: WriteQueue
        /// The thread waits for ``wakeUp``.
        var isWaiting = false
    }

    private let conninfo: String
    /// Cursors that nobody touched for so long are forgotten; `nil`: none are kept.
    private let retention: Duration?
    private let deadline: Duration
    private let logger: Logger
    private let metrics = WriterMetrics()
    private let shared: Locked<Shared>
    private let wakeUp = DispatchSemaphore(value: 0)

    /// - Parameters:
    ///   - retention: How long a cursor that is not moved is kept: as long as the outbox, which is how far back it could lead.
    ///   - deadline: For each job.
    public init(conninfo: String, retention: Duration?, deadline: Duration = .seconds(5), logger: Logger) {
        self.conninfo = conninfo
        self.retention = retention
        self.deadline = deadline
        self.logger = logger
        let interval = retention.map { max(.seconds(1), min(.seconds(60), $0 / 4)) }
        self.shared = Locked(Shared(queue: WriteQueue(pruneInterval: interval, now: .now)))
    }

    // MARK: Any thread

    /// Publishes in a transaction of its own.
    ///
    /// - Parameter done: `nil`: it is committed.
    public func publish(
        _ message: DirectMessage, on channel: ChannelName, done: @escaping @Sendable (WriteFailure?) -> Void
    ) {
        add(.publish(WriteQueue.Publish(channel: channel, message: message, done: done)))
    }

    /// Where the cursor stands; where there is none, one is made at `start`, durably, before the answer: from then on nothing
    /// after it can be skipped.
    public func openCursor(
        _ key: CursorKey, at start: Position, done: @escaping @Sendable (Result<OpenedCursor, WriteFailure>) -> Void
    ) {
        add(.open(WriteQueue.Opening(key: key, start: start, done: done)))
    }

    /// Moves the cursor forward soon. It never goes back. An acknowledgement that is lost costs a redelivery.
    public func acknowledge(_ key: CursorKey, _ position: Position) {
        let (isKept, isWaiting) = shared.withLock { shared in
            (shared.queue.acknowledge(key, position, now: .now), shared.takeWaiting())
        }
        if !isKept { metrics.dropped.increment() }
        if isWaiting { wakeUp.signal() }
    }

    private func add(_ job: WriteQueue.Job) {
        let (isAdded, isWaiting) = shared.withLock { shared in
            (shared.queue.add(job, deadline: .now + deadline), shared.takeWaiting())
        }
        if isWaiting { wakeUp.signal() }
        if !isAdded { fail(job, .overloaded) }
    }

    private func fail(_ job: WriteQueue.Job, _ failure: WriteFailure) {
        if case .publish = job { metrics.notPublished.increment() }
        job.fail(failure)
    }

    // MARK: Life

    /// Returns after a graceful shutdown, when what waited is written or its time is over.
    public func run() async throws {
        let started = await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let started = CaptureThread.start {
                    self.work()
                    continuation.resume(returning: true)
                }
                if !started { continuation.resume(returning: false) }
            }
        } onCancelOrGracefulShutdown: {
            self.shared.withLock { $0.queue.stop(now: .now) }
            self.wakeUp.signal()
        }
        guard started else { throw DoorbellError(.system, "the system has no thread left for the database writer") }
    }

    // MARK: The writer's thread

    private func work() {
        var connection: WriterConnection?
        var backoff = Backoff(shortest: .milliseconds(50), longest: .seconds(2))
        var retryAt: ContinuousClock.Instant?
        while true {
            for job in shared.withLock({ $0.queue.expire(now: .now) }) { fail(job, .unavailable) }
            switch shared.withLock({ $0.next(retryAt: retryAt) }) {
            case .finish:
                for job in shared.withLock({ $0.queue.finish() }) { fail(job, .unavailable) }
                return
            case .wait(let until): wait(until: until)
            case .work:
                do {
                    let ready = try ready(connection)
                    if retryAt != nil { logger.info("the database takes writes again") }
                    (connection, retryAt) = (ready, nil)
                    backoff.succeeded()
                    try perform(on: ready)
                } catch {
                    if retryAt == nil {
                        logger.warning("cannot write to the database", metadata: ["doorbell.reason": "\(error)"])
                    }
                    connection = nil
                    retryAt = .now + backoff.next(jitter: .random(in: 0...1))
                }
            }
        }
    }

    private func wait(until deadline: ContinuousClock.Instant?) {
        guard let deadline else { return wakeUp.wait() }
        let left = max(.zero, deadline - .now)
        let nanoseconds = left.components.seconds * 1_000_000_000 + left.components.attoseconds / 1_000_000_000
        _ = wakeUp.wait(timeout: .now() + .nanoseconds(Int(clamping: nanoseconds)))
        shared.withLock { $0.isWaiting = false }
    }

    /// One that the server has not hung up on since it was used last.
    private func ready(_ connection: WriterConnection?) throws(PGError) -> WriterConnection {
        if let connection {
            do {
                try connection.check()
                return connection
            } catch {}
        }
        return try WriterConnection(conninfo: conninfo)
    }

    /// - Throws: When the connection is good for nothing any more. Whoever waited has been answered then.
    private func perform(on connection: WriterConnection) throws(PGError) {
        switch shared.withLock({ $0.queue.take(now: .now) }) {
        case .publish(let messages): try publish(messages, on: connection)
        case .open(let openings): try open(openings, on: connection)
        case .move(let cursors): try move(cursors, on: connection)
        case .prune:
            guard let retention else { return }
            do {
                try connection.prune(olderThan: retention)
            } catch  where error.kind == .statement {
                logger.notice("old cursors cannot be removed now", metadata: ["doorbell.reason": "\(error)"])
            }
        case nil: break
        }
    }

    /// All together; one by one when one of them is refused.
    private func publish(_ messages: [WriteQueue.Publish], on connection: WriterConnection) throws(PGError) {
        var answered = 0
        do {
            try connection.publish(messages)
            metrics.published.increment(by: messages.count)
            for message in messages { message.done(nil) }
        } catch  where messages.count > 1 && Self.failure(error).isRefusal {
            for message in messages {
                do {
                    try publish([message], on: connection)
                    answered += 1
                } catch {
                    // This one has been answered; those after it were never sent.
                    for unsent in messages[(answered + 1)...] { fail(.publish(unsent), .unavailable) }
                    throw error
                }
            }
        } catch {
            for message in messages { fail(.publish(message), Self.failure(error)) }
            if error.kind != .statement { throw error }
        }
    }

    private func open(_ openings: [WriteQueue.Opening], on connection: WriterConnection) throws(PGError) {
        do {
            let opened = try connection.open(
                Dictionary(openings.map { ($0.key, $0.start) }) { first, _ in first })
            for opening in openings {
                guard let cursor = opened[opening.key] else {
                    opening.done(.failure(.unavailable))
                    continue
                }
                // What this node knows and has not written yet spares a redelivery.
                let newest = shared.withLock { $0.queue.acknowledgements.newest(of: opening.key) }
                let position = max(cursor.position, newest ?? cursor.position)
                opening.done(.success(OpenedCursor(position: position, isNew: cursor.isNew && newest == nil)))
            }
        } catch  where openings.count > 1 && Self.failure(error).isRefusal {
            for (index, opening) in openings.enumerated() {
                do {
                    try open([opening], on: connection)
                } catch {
                    // This one has been answered; those after it were never sent.
                    for unsent in openings[(index + 1)...] { unsent.done(.failure(.unavailable)) }
                    throw error
                }
            }
        } catch {
            for opening in openings { opening.done(.failure(.unavailable)) }
            if error.kind != .statement { throw error }
            logger.warning("cursors cannot be read", metadata: ["doorbell.reason": "\(error)"])
        }
    }

    private func move(_ cursors: [CursorKey: Position], on connection: WriterConnection) throws(PGError) {
        do {
            try connection.move(cursors)
            shared.withLock { $0.queue.settle(written: true, now: .now) }
            metrics.cursorsMoved.increment(by: cursors.count)
        } catch  where Self.failure(error).isRefusal {
            try moveEach(cursors, on: connection)
        } catch {
            shared.withLock { $0.queue.settle(written: false, now: .now) }
            metrics.cursorsFailed.increment(by: cursors.count)
            if error.kind != .statement { throw error }
            logger.warning("cursors cannot be moved", metadata: ["doorbell.reason": "\(error)"])
        }
    }

    /// One of them is refused for what it is. It is dropped, which costs a redelivery; tried again, it would hold up all others.
    private func moveEach(_ cursors: [CursorKey: Position], on connection: WriterConnection) throws(PGError) {
        for (key, position) in cursors {
            do {
                try connection.move([key: position])
                metrics.cursorsMoved.increment()
            } catch {
                metrics.cursorsFailed.increment()
                logger.warning("a cursor cannot be moved", metadata: ["doorbell.reason": "\(error)"])
                guard Self.failure(error).isRefusal else {
                    shared.withLock { $0.queue.settle(written: false, now: .now) }
                    if error.kind != .statement { throw error }
                    return
                }
            }
        }
        shared.withLock { $0.queue.settle(written: true, now: .now) }
    }

    private static func failure(_ error: PGError) -> WriteFailure {
        // The server's own words that it did not do it: also of a statement that took too long or met a lock.
        guard error.kind == .statement, let state = error.sqlState else { return .uncertain }
        return state.hasPrefix("22") || state.hasPrefix("54") ? .refused(error.message) : .unavailable
    }
}

extension DatabaseWriter.Shared {
    fileprivate mutating func takeWaiting() -> Bool {
        defer { isWaiting = false }
        return isWaiting
    }

    /// Notes when the thread is going to wait, under the same lock as what could end the wait.
    fileprivate mutating func next(retryAt: ContinuousClock.Instant?) -> WriteQueue.Next {
        let next = queue.next(now: .now, retryAt: retryAt)
        if case .wait = next { isWaiting = true }
        return next
    }
}
