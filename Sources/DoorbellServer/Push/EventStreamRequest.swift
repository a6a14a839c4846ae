import DoorbellCore
import DoorbellWire
import NIOHTTP1

/// A request for server-sent events that was found to be in order: on a polled URL, or at `/_doorbell/sse`.
struct EventStreamRequest {
    /// At most so many channels and polled URLs at `/_doorbell/sse`.
    static let maximumTargets = 100

    /// What to subscribe to, in order.
    let subscriptions: [ClientMessage.Subscribe]
    /// Whether the one subscription is the URL itself: the legacy API is asked first, and its refusal is the answer.
    let isOnPoll: Bool
    let access: AccessRequest
    /// For pages of other origins that are allowed.
    let accessControl: HTTPHeaders

    /// Whether a request for a polled URL wants events: an explicit `text/event-stream`, as every `EventSource` sends.
    static func isAsked(by head: HTTPRequestHead) -> Bool {
        head.method == .GET
            && head.headers[canonicalForm: "accept"].contains { value in
                value.prefix { $0 != ";" }.lowercased() == "text/event-stream"
            }
    }

    /// What is done when the request has ended: the stream, or a refusal.
    ///
    /// - Parameter poll: `nil` at `/_doorbell/sse`.
    static func check(
        _ head: HTTPRequestHead, isTLS: Bool, core: ServerCore, poll: FeatureCatalog.Poll?
    ) -> Exchange.AtEnd {
        let accessControl: HTTPHeaders
        switch AccessControl.headers(for: head.headers, isTLS: isTLS, core.configuration) {
        case .failure(let refused): return .answer(refused.answer)
        case .success(let headers): accessControl = headers
        }
        if let refusal = core.refusal {
            return .answer(.problem(.serviceUnavailable, "\(refusal): poll for now", headers: ["retry-after": "2"]))
        }
        let access: AccessRequest
        do throws(AccessRefusal) {
            access = try core.doorkeeper.request(head, poll: poll)
        } catch {
            return .answer(error.answer.adding(accessControl))
        }
        if let poll {
            guard !poll.channels.isEmpty else {
                return .answer(.problem(.notFound, "this URL of feature '\(poll.feature.name)' names no channel"))
            }
            let since = head.headers.first(name: "last-event-id") ?? head.headers.first(name: "doorbell-position")
            let versions = head.headers[canonicalForm: "doorbell-version"].map(String.init)
            return .events(
                EventStreamRequest(
                    subscriptions: [subscription(to: .poll(access.target), since: since, versions: versions)],
                    isOnPoll: true, access: access, accessControl: accessControl))
        }
        let query = QueryItems(target: access.target)
        let targets: [ClientMessage.Target] = query.items.compactMap { name, value in
            switch name {
            case "channel": .channel(value)
            case "poll": .poll(value)
            default: nil
            }
        }
        guard !targets.isEmpty else {
            return .answer(
                .problem(.badRequest, "name what to listen to: ?channel=… or ?poll=…, each as often as wanted"))
        }
        guard targets.count <= maximumTargets else {
            return .answer(.problem(.badRequest, "at most \(maximumTargets) channels and URLs a stream"))
        }
        let since = head.headers.first(name: "last-event-id") ?? query["since"]
        let versions = query.items.filter { $0.name == "version" }.map(\.value)
        return .events(
            EventStreamRequest(
                subscriptions: targets.map { subscription(to: $0, since: since, versions: versions) }, isOnPoll: false,
                access: access, accessControl: accessControl))
    }

    private static func subscription(
        to target: ClientMessage.Target, since: String?, versions: [String]
    ) -> ClientMessage.Subscribe {
        ClientMessage.Subscribe(
            target: target, since: since.flatMap { ClientMessage.Since(text: $0) },
            versions: versions.prefix(ClientMessageDecoder.maximumVersions)
                .compactMap { UInt16($0).flatMap { SchemaVersion($0) } })
    }
}
