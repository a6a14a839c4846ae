import NIOCore

/// When something last happened on a connection, and the one timer that looks at it: activity only notes the time.
struct ActivityTimer {
    private var last: NIODeadline
    private var scheduled: Scheduled<Void>?

    init(since start: NIODeadline) { last = start }

    mutating func note() { last = .now() }

    /// Until nothing has happened for so long; not more than zero: it has not.
    func left(of allowed: Duration) -> TimeAmount { last + TimeAmount(allowed) - .now() }

    /// Takes the place of a timer that has not fired.
    mutating func start(_ timer: Scheduled<Void>) {
        scheduled?.cancel()
        scheduled = timer
    }

    mutating func stop() {
        scheduled?.cancel()
        scheduled = nil
    }
}
