import NIOCore
import NIOHTTP1

/// One request and its answer, as the connection sees them. Pure bookkeeping.
struct Exchange {
    let head: HTTPRequestHead
    /// What answers come through; `nil` when the server answers itself.
    var answer: ClientAnswer?
    var writer: (any LegacyRequestWriter)?
    /// What happens at the request's end when the server answers itself.
    var atEnd: AtEnd?
    /// Whoever gave the answer can give it again.
    var repeatable: RepeatableExchange?
    /// The client waits for something new.
    var held: HeldPoll?
    var isRequestEnded = false
    var isHeadSent = false
    /// The client waits for `100 Continue`.
    var awaitsContinue: Bool
    var keepsAlive: Bool

    enum AtEnd {
        case answer(LocalAnswer)
        case upgrade(WebSocketUpgrade)
        /// To the legacy API, as it came.
        case tunnel(HTTPRequestHead)
        case events(EventStreamRequest)
        case ticket(TicketRequest)
        /// - Parameter access: Where claims decide whether the poll may be held.
        case hold(HeldPoll, _ access: AccessRequest?)
    }

    init(head: HTTPRequestHead) {
        self.head = head
        // The parser stops after an upgrade request, taken or not, and after CONNECT.
        let isStopped = head.headers.contains(name: "upgrade") || head.method == .CONNECT
        self.keepsAlive = head.isKeepAlive && !isStopped
        self.awaitsContinue =
            head.version.minor >= 1
            && head.headers[canonicalForm: "expect"].contains { $0.lowercased() == "100-continue" }
    }

    /// Whether the request's head says that a body follows.
    var hasBody: Bool {
        if head.headers.contains(name: "transfer-encoding") { return true }
        return head.headers.first(name: "content-length").map { Int($0) != 0 } ?? false
    }

    /// Whether the same bytes would be answered with the same bytes, were it not for the data.
    var isRepeatable: Bool {
        head.version == .http1_1 && head.method == .GET && keepsAlive && !awaitsContinue
            && repeatable?.isWhole ?? false
    }

    /// Of the request, as its head says; `nil`: the head does not say how long it is.
    var bodyLength: Int? {
        if head.headers.contains(name: "transfer-encoding") { return nil }
        return head.headers.first(name: "content-length").map { Int($0) } ?? 0
    }

    /// The answer's head with the framing that this client understands; may turn ``keepsAlive`` off.
    mutating func framed(_ status: HTTPResponseStatus, _ headers: HTTPHeaders) -> HTTPResponseHead {
        var headers = headers
        headers.remove(name: "transfer-encoding")
        headers.remove(name: "connection")
        let isBodiless = status.code == 204 || (100..<200).contains(status.code)
        if isBodiless { headers.remove(name: "content-length") }
        if !isBodiless, status != .notModified, head.method != .HEAD, !headers.contains(name: "content-length") {
            if head.version.minor >= 1 {
                headers.add(name: "transfer-encoding", value: "chunked")
            } else {
                keepsAlive = false
            }
        }
        if !keepsAlive {
            headers.add(name: "connection", value: "close")
        } else if head.version.minor == 0 {
            headers.add(name: "connection", value: "keep-alive")
        }
        return HTTPResponseHead(version: .http1_1, status: status, headers: headers)
    }
}
