import DoorbellAuth
import NIOCore
import NIOHTTP1

extension PushStream {
    /// What an operator is shown; `nil` once it has ended.
    var info: ConnectionInfo? {
        guard state != .closed else { return nil }
        return ConnectionInfo(
            id: session.id, transport: carrier.transport.rawValue, address: origin.address,
            user: session.identity?.subject,
            userAgent: headers.first(name: "user-agent").map { String($0.prefix(80)) },
            seconds: Double((.now() - openedAt).nanoseconds) / 1e9, subscriptions: session.subscriptions.count,
            behind: behind.count, bufferedBytes: bufferedBytes, timesBehind: slowness?.timesBehind ?? 0,
            resets: slowness?.resets ?? 0, conflated: slowness?.conflated ?? 0)
    }

    /// Bytes that wait for the client beyond what the kernel has taken.
    var bufferedBytes: Int { queuedBytes + unsentBytes }
}
