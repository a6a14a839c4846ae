public import DoorbellCore
public import Logging
public import ServiceLifecycle

/// Tells where the features stand, as the database says, and again whenever somebody has moved one: within a moment, from whatever node.
///
/// Has a thread and a connection of its own, which it finds again by itself. While the database is away what it told last holds. Run it
/// once.
public final class StageFollower: Service {
    /// How long connecting and reading may take.
    private static let patience: Duration = .seconds(3)

    private let conninfo: String
    private let refresh: Duration
    private let logger: Logger
    private let learn: @Sendable ([String: Rollout]) -> Void
    private let wake = WakePipe()

    /// - Parameters:
    ///   - refresh: How often everything is read, whether or not anybody has notified.
    ///   - learn: Is told all features that were ever moved, by name. Called on the follower's thread; must not block.
    public init(
        conninfo: String, refresh: Duration = .seconds(10), logger: Logger,
        learn: @escaping @Sendable ([String: Rollout]) -> Void
    ) {
        self.conninfo = conninfo
        self.refresh = refresh
        self.logger = logger
        self.learn = learn
    }

    /// Returns after a graceful shutdown or a cancellation.
    public func run() async throws {
        let started = await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let started = CaptureThread.start {
                    self.follow()
                    continuation.resume(returning: true)
                }
                if !started { continuation.resume(returning: false) }
            }
        } onCancelOrGracefulShutdown: {
            self.wake.stop()
        }
        guard started else { throw DoorbellError(.system, "the system has no thread left for the stages") }
    }

    // MARK: The follower's thread

    private func follow() {
        var backoff = Backoff(shortest: .milliseconds(50), longest: .seconds(1))
        var isAway = false
        while true {
            do throws(PGError) {
                let connection = try connect()
                while true {
                    learn(StageRows.rollouts(try connection.execute("all", silence: Self.patience)))
                    if isAway { logger.info("stages are read again") }
                    isAway = false
                    backoff.succeeded()
                    try wait(connection)
                }
            } catch {
                if error.kind == .stopped { return }
                if !isAway {
                    logger.warning(
                        "cannot read stages: what was known holds", metadata: ["doorbell.reason": "\(error)"])
                }
                isAway = true
            }
            guard (try? wake.wait(for: backoff.next(jitter: .random(in: 0...1)))) != nil else { return }
        }
    }

    /// It listens before anything is read, so no step falls between the two.
    private func connect() throws(PGError) -> PGConnection {
        let connection = try PGConnection(
            conninfo: conninfo, applicationName: "doorbell stages", timeout: Self.patience, wake: wake)
        let idle = connection.serverVersion >= 140_000 ? "set idle_session_timeout = 0;" : ""
        try connection.run(
            """
            set search_path = pg_catalog; set default_transaction_isolation = 'read committed';
            set statement_timeout = '3s'; set jit = off; \(idle)
            listen \(RolloutSchema.channel)
            """, silence: Self.patience)
        try connection.prepare("all", RolloutSchema.all)
        return connection
    }

    /// Until somebody has moved a feature, or it is time to look anyway.
    private func wait(_ connection: PGConnection) throws(PGError) {
        let deadline = ContinuousClock.now + refresh
        while try connection.notifications().isEmpty, ContinuousClock.now < deadline {
            try connection.waitForInput(until: deadline)
        }
    }
}
