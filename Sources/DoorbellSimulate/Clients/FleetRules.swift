import DoorbellCore
import DoorbellTesting
import NIOCore
import NIOHTTP1

/// What the clients of one phase have in common.
struct FleetRules: Sendable {
    /// Of the server, on 127.0.0.1.
    let port: Int
    let kind: PhaseKind
    let interval: TimeAmount
    let record: Locked<FleetRecord>
    /// When polling begins.
    let start: EventLoopFuture<NIODeadline>

    func request(of user: Int) -> HTTPRequestHead {
        HTTPRequestHead(
            version: .http1_1, method: .GET, uri: LegacyRequest.path(of: user),
            headers: [
                "Host": "127.0.0.1:\(port)", "Authorization": LegacyRequest.authorization(of: user),
                "Accept": "application/json", "User-Agent": "doorbell-simulate",
            ])
    }

    /// A message of a stream was received.
    ///
    /// - Returns: Whether the server says that the stream has begun.
    func received(_ message: UnsafeRawBufferPointer, by user: Int) -> Bool {
        if Self.begins(message, #"{"type":"subscribed""#) { return true }
        if let revision = Revision.newest(in: message), revision > 0 {
            record.withLock { $0.told(user, revision: revision, at: Moment.now) }
        } else if Self.failures.contains(where: { Self.begins(message, $0) }) {
            record.withLock { $0.failed() }
        }
        return false
    }

    private static let failures = ["reset", "error", "unsubscribed", "closed"].map { "{\"type\":\"\($0)\"" }

    private static func begins(_ message: UnsafeRawBufferPointer, _ text: String) -> Bool {
        message.starts(with: text.utf8)
    }
}
