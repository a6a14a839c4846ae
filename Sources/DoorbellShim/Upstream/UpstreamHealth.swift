import DoorbellCore
import NIOCore

/// Whether the legacy API could be reached lately.
///
/// A failure counts for ``memory``: a service that is taken out of rotation for it gets no requests that could prove the
/// contrary, so it has to be forgotten.
final class UpstreamHealth: Sendable {
    private static let memory = TimeAmount.seconds(10)
    private let last = Locked<(reason: String, at: NIODeadline)?>(nil)

    func answered() { last.withLock { if $0 != nil { $0 = nil } } }
    func failed(_ reason: String, now: NIODeadline = .now()) { last.withLock { $0 = (reason, now) } }

    func trouble(now: NIODeadline = .now()) -> String? {
        last.withLock { last in
            guard let last, now - last.at < Self.memory else { return nil }
            return last.reason
        }
    }
}
