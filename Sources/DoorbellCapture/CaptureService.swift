public import DoorbellCore
public import Logging
public import ServiceLifecycle

/// PostgreSQL in, ``ChangeSink`` out: delivers every committed change of the captured tables, exactly once and in one order,
/// until it is told to stop.
///
/// Works on a thread of its own, on which the sink is called. Loses its connection and finds it again by itself; several
/// processes on one database agree on who makes the ticks. Run it once.
public final class CaptureService: Service {
    private let configuration: CaptureConfiguration
    private let sink: any ChangeSink
    private let logger: Logger
    private let timing: CaptureStateMachine.Timing
    private let wake = WakePipe()

    public convenience init(configuration: CaptureConfiguration, sink: any ChangeSink, logger: Logger) {
        self.init(configuration: configuration, sink: sink, logger: logger, timing: CaptureStateMachine.Timing())
    }

    /// - Parameter timing: For tests; the distance of ticks is that of `configuration`.
    init(
        configuration: CaptureConfiguration, sink: any ChangeSink, logger: Logger, timing: CaptureStateMachine.Timing
    ) {
        self.configuration = configuration
        self.sink = sink
        self.logger = logger
        var timing = timing
        timing.tickInterval = configuration.tickInterval
        self.timing = timing
    }

    /// Returns after a graceful shutdown or a cancellation, when the thread has ended and the connections are closed.
    ///
    /// - Throws: ``DoorbellError`` when the system has no thread for it. A database that is away is not an error here: use
    ///   ``Preflight`` before.
    public func run() async throws {
        let (configuration, sink, logger, timing, wake) = (configuration, sink, logger, timing, wake)
        let started = await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let started = CaptureThread.start {
                    CaptureLoop(
                        configuration: configuration, sink: sink, logger: logger, metrics: CaptureMetrics(),
                        timing: timing, wake: wake
                    ).run()
                    continuation.resume(returning: true)
                }
                if !started { continuation.resume(returning: false) }
            }
        } onCancelOrGracefulShutdown: {
            wake.stop()
        }
        guard started else { throw DoorbellError(.system, "the system has no thread left for capture") }
    }
}
