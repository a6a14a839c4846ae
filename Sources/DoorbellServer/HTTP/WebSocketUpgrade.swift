import DoorbellAuth
import DoorbellCore
import DoorbellWire
import NIOHTTP1

/// A handshake that was found to be in order (RFC 6455, section 4.2), and what the client wants with it.
struct WebSocketUpgrade {
    let acceptKey: String
    /// The subprotocol to echo.
    let subprotocol: String?
    /// What was agreed on; `nil`: nothing is compressed.
    let compression: PerMessageDeflate?
    /// The polled URL to subscribe to at once; `nil` at the socket for everything.
    let poll: ClientMessage.Subscribe?
    let access: AccessRequest

    /// Whether the request wants to become a WebSocket. In HTTP/1.0 there is no such wish (RFC 9110, section 7.8).
    static func isAsked(by head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.version.minor >= 1
            && head.headers[canonicalForm: "upgrade"].contains { $0.lowercased() == "websocket" }
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
    }

    /// What is done when the request has ended: the handshake, or a refusal.
    static func check(
        _ head: HTTPRequestHead, isTLS: Bool, core: ServerCore, poll: FeatureCatalog.Poll?
    ) -> Exchange.AtEnd {
        let upgrade: HTTPHeaders = ["upgrade": "websocket", "sec-websocket-version": "13"]
        guard isAsked(by: head) else {
            return .answer(.problem(.upgradeRequired, "this is a WebSocket endpoint", headers: upgrade))
        }
        guard head.headers["sec-websocket-version"] == ["13"] else {
            return .answer(.problem(.upgradeRequired, "only WebSocket version 13 is spoken here", headers: upgrade))
        }
        let keys = head.headers["sec-websocket-key"]
        guard keys.count == 1, let key = keys.first, WebSocketHandshake.isValid(key: key) else {
            return .answer(.problem(.badRequest, "Sec-WebSocket-Key is missing or not 16 bytes in base64"))
        }
        if case .refused(let refusal) = core.configuration.origins.decide(head.headers, isTLS: isTLS) {
            return .answer(.problem(.forbidden, refusal.description))
        }
        guard let extensions = WebSocketExtension.parse(head.headers["sec-websocket-extensions"]) else {
            return .answer(.problem(.badRequest, "Sec-WebSocket-Extensions does not have the form of RFC 6455"))
        }
        if let refusal = core.refusal {
            return .answer(.problem(.serviceUnavailable, "\(refusal): poll for now", headers: ["retry-after": "2"]))
        }
        if let poll, poll.channels.isEmpty {
            return .answer(.problem(.notFound, "this URL of feature '\(poll.feature.name)' names no channel"))
        }
        let access: AccessRequest
        do throws(AccessRefusal) {
            access = try core.doorkeeper.request(head, poll: poll, mayAuthenticateLater: poll == nil)
        } catch {
            return .answer(error.answer)
        }
        let offered = head.headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
        let own = ProtocolVersion.current.subprotocol
        return .upgrade(
            WebSocketUpgrade(
                acceptKey: WebSocketHandshake.accept(key: key), subprotocol: offered.contains(own) ? own : nil,
                compression: core.configuration.compression ? PerMessageDeflate.accept(extensions) : nil,
                poll: poll == nil ? nil : subscription(to: access.target, head.headers, offered: offered),
                access: access))
    }

    /// What a handshake on a polled URL asks for besides. The query belongs to the legacy API and is left alone: the position
    /// comes as `Doorbell-Position`, the wanted versions as `Doorbell-Version` ("2, 1", best first), the client's own name as
    /// `Doorbell-Client`; or, because pages cannot set headers on a WebSocket, as the subprotocols `doorbell.since.<position>`,
    /// `doorbell.version.<number>` and `doorbell.client.<name>`.
    private static func subscription(
        to target: String, _ headers: HTTPHeaders, offered: [String]
    ) -> ClientMessage.Subscribe {
        func offer(_ prefix: String) -> [String] {
            offered.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        }
        let since = headers.first(name: "doorbell-position") ?? offer("doorbell.since.").first
        let versions = headers[canonicalForm: "doorbell-version"].map(String.init) + offer("doorbell.version.")
        let client = headers.first(name: "doorbell-client") ?? offer("doorbell.client.").first
        return ClientMessage.Subscribe(
            target: .poll(target),
            since: since.flatMap { ClientMessage.Since(text: $0) },
            versions: versions.prefix(ClientMessageDecoder.maximumVersions)
                .compactMap { UInt16($0).flatMap { SchemaVersion($0) } },
            client: client.flatMap { ClientMessageDecoder.isClient($0) ? $0 : nil })
    }

    /// Headers that would make the legacy API's answer something else than the plain, whole poll answer are left out.
    static func asking(_ headers: HTTPHeaders) -> HTTPHeaders {
        // The array is the connection's for as long as it lives, so it has no room to spare.
        HTTPHeaders(headers.filter { isAsking($0.name.lowercased()) })
    }

    private static func isAsking(_ name: String) -> Bool {
        switch name {
        case "upgrade", "connection", "content-length", "transfer-encoding", "content-type", "expect",
            "accept-encoding", "range", "if-range", "if-none-match", "if-modified-since", "if-match",
            "if-unmodified-since", "prefer", "keep-alive", "te", "trailer":
            false
        default: !name.hasPrefix("sec-websocket-") && !name.hasPrefix("doorbell-")
        }
    }
}
