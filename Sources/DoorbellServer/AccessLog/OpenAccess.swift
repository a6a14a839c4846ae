import DoorbellAuth
import DoorbellCore
import NIOHTTP1

/// A request that is not over, for the access log. Lives on its connection's event loop.
final class OpenAccess {
    /// What nginx writes for a client that went away before it was answered.
    private static let goneClient = 499

    private let log: AccessLog
    private let line: AccessLine
    private let now: @Sendable () -> Timestamp
    private var sent = 0
    private var isNoted = false
    /// Of the answer.
    var status = goneClient

    /// `nil`: there is no access log.
    ///
    /// - Parameter head: `nil`: what came was no request.
    init?(_ head: HTTPRequestHead?, from origin: RequestOrigin, isHTTP2: Bool, core: ServerCore) {
        guard let log = core.configuration.accessLog else { return nil }
        self.log = log
        self.now = core.now
        line = AccessLine(client: Self.client(head, origin, core), head: head, isHTTP2: isHTTP2)
    }

    /// The peer, or what a proxy says about its own.
    private static func client(_ head: HTTPRequestHead?, _ origin: RequestOrigin, _ core: ServerCore) -> String? {
        guard let peer = origin.address, let forwarded = head?.headers[canonicalForm: "x-forwarded-for"].last,
            core.configuration.addressLimits.isUnlimited(peer),
            forwarded.utf8.count <= 45, forwarded.utf8.allSatisfy(isAddressByte)
        else { return origin.address }
        return String(forwarded)
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x3A, 0x41...0x46, 0x61...0x66, 0x2E: true
        default: false
        }
    }

    func sent(_ bytes: Int) { sent += bytes }

    /// Once; later calls do nothing.
    func end() {
        guard !isNoted else { return }
        isNoted = true
        again()
    }

    /// The same request came once more, and was answered the same.
    func again() {
        log.note(line.bytes(status: status, sent: sent, now: now()))
    }
}

@available(*, unavailable)
extension OpenAccess: Sendable {}
