import DoorbellCore
import DoorbellHub
import DoorbellRollout
import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1

@testable import DoorbellServer

/// What must hold for any bytes on a new connection. Run by `make fuzz` with bytes that a fuzzer makes up, and by every test run with those in
/// `Tests/Fixtures/fuzz/head`.
///
/// The bytes go through the served pipeline, parser and all, to a legacy API that notes what it gets. However they are cut, it gets the same; and
/// what it gets is, written down again, one request and nothing else.
enum HTTPHeadCheck {
    /// - Returns: What does not hold, as a sentence; `nil`: all is well.
    static func check(_ input: [UInt8]) -> String? {
        guard let first = input.first else { return nil }
        let stream = Array(input.dropFirst())
        guard let whole = serve(stream, pieces: { _ in .max }) else { return "the connection cannot be made" }
        guard serve(stream, pieces: { _ in 1 }) == whole else { return "read byte by byte, something else is done" }
        let size = 2 + Int(first) % 61
        guard serve(stream, pieces: { _ in size }) == whole else {
            return "read in other pieces, something else is done"
        }
        for request in whole.requests {
            if let fault = fault(of: request) { return fault }
        }
        return nil
    }

    // MARK: Serving

    /// A request that reached the legacy API.
    struct Passed: Equatable {
        let head: HTTPRequestHead
        var body: [UInt8] = []
        var isEnded = false
    }

    /// Which of several mistakes is told depends on the pieces, and so does the moment of an end that comes of one.
    private struct Outcome: Equatable {
        var requests: [Passed] = []
        var isAnswered = false
    }

    private static func serve(_ stream: [UInt8], pieces: (Int) -> Int) -> Outcome? {
        let gateway = NotingGateway()
        guard let core = core(gateway) else { return nil }
        let channel = EmbeddedChannel()
        let pipeline = HTTPPipeline(core: core, isTLS: false)
        let handler = HTTPConnectionHandler(
            core: core, loopState: LoopState(core: core, loop: channel.eventLoop), carrier: .connection(pipeline),
            origin: RequestOrigin(address: "192.0.2.1", isTLS: false))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        guard let address = try? SocketAddress(ipAddress: "192.0.2.1", port: 1),
            (try? pipeline.install(in: channel.pipeline.syncOperations, last: handler)) != nil,
            (try? channel.connect(to: address).wait()) != nil
        else { return nil }
        var outcome = Outcome()
        var rest = stream[...]
        while !rest.isEmpty, channel.isActive {
            let piece = rest.prefix(max(1, pieces(rest.count)))
            rest = rest.dropFirst(piece.count)
            _ = try? channel.writeInbound(ByteBuffer(bytes: piece))
            channel.embeddedEventLoop.run()
            while let bytes = try? channel.readOutbound(as: ByteBuffer.self) {
                outcome.isAnswered = outcome.isAnswered || bytes.readableBytes > 0
            }
        }
        outcome.requests = gateway.requests
        return outcome
    }

    private static func core(_ gateway: NotingGateway) -> ServerCore? {
        guard let orders = try? PollPattern("GET /api/orders/{id}"), let order = try? ChannelTemplate("orders:{id}"),
            let news = try? PollPattern("GET /api/news"), let new = try? ChannelTemplate("news")
        else { return nil }
        let features = [
            Feature(name: "orders", poll: orders, tables: [], channel: order),
            Feature(name: "news", poll: news, tables: [], channel: new, authorize: .public, presence: true),
        ]
        var configuration = ServerConfiguration(port: 0)
        (configuration.maximumHeaderLine, configuration.maximumHeaders) = (512, 2048)
        configuration.maximumMessageSize = 1024
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) }
        let hub = Hub(now: now)
        hub.open(floor: Position(epoch: 1, tick: 1, seq: 0))
        let core = ServerCore(
            configuration: configuration, catalog: FeatureCatalog(features), hub: hub, gateway: gateway, presence: nil,
            publisher: nil, cursors: nil, rollouts: RolloutBoard(features: features), observer: nil,
            logger: Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }, now: now)
        _ = core.setCapture(.live(leader: true))
        return core
    }

    // MARK: What reaches the legacy API

    private static func fault(of request: Passed) -> String? {
        let head = request.head
        guard head.uri.hasPrefix("/") || head.uri == "*" else { return "a target has no form of an origin server" }
        guard head.uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return "a target is not printable" }
        guard head.uri.prefix(10) != "/_doorbell" || !["", "/", "?"].contains(head.uri.dropFirst(10).prefix(1)) else {
            return "a path of our own reached the legacy API"
        }
        guard head.headers["host"].count <= 1, head.headers["content-length"].count <= 1 else {
            return "a header stands twice that may stand once"
        }
        let isChunked = head.headers.contains(name: "transfer-encoding")
        let length = head.headers.first(name: "content-length").flatMap { Int($0) }
        if isChunked, head.headers.contains(name: "content-length") { return "a body has two lengths" }
        if request.isEnded, !isChunked, (length ?? 0) != request.body.count {
            return "a body is not as long as it says"
        }
        guard request.isEnded else { return nil }
        return isOne(written(request, isChunked: isChunked), request)
            ? nil : "written and read again, it is something else"
    }

    private static func written(_ request: Passed, isChunked: Bool) -> ByteBuffer {
        var text = ByteBuffer()
        text.writeString("\(request.head.method.rawValue) \(request.head.uri) HTTP/1.1\r\n")
        // Of the version that the legacy API is spoken to, which has to name a host.
        if !request.head.headers.contains(name: "host") { text.writeString("host: h\r\n") }
        for (name, value) in request.head.headers { text.writeString("\(name): \(value)\r\n") }
        text.writeString("\r\n")
        guard isChunked else {
            text.writeBytes(request.body)
            return text
        }
        if !request.body.isEmpty {
            text.writeString(String(request.body.count, radix: 16) + "\r\n")
            text.writeBytes(request.body)
            text.writeString("\r\n")
        }
        text.writeString("0\r\n\r\n")
        return text
    }

    private static func isOne(_ bytes: ByteBuffer, _ request: Passed) -> Bool {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder()))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        guard (try? channel.writeInbound(bytes)) != nil else { return false }
        var (heads, ends): ([HTTPRequestHead], Int) = ([], 0)
        var body: [UInt8] = []
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): heads.append(head)
            case .body(let part): body += part.readableBytesView
            case .end: ends += 1
            }
        }
        guard heads.count == 1, ends == 1, body == request.body else { return false }
        var read = heads[0].headers
        if !request.head.headers.contains(name: "host") { read.remove(name: "host") }
        return heads[0].method == request.head.method && heads[0].uri == request.head.uri
            && read == request.head.headers
    }
}

/// A legacy API that answers every whole request and notes it. One thread.
private final class NotingGateway: LegacyGateway {
    private let noted = Locked<[HTTPHeadCheck.Passed]>([])

    var requests: [HTTPHeadCheck.Passed] { noted.withLock { $0 } }
    var trouble: String? { nil }

    func ask(
        _ target: String, headers: HTTPHeaders, from origin: RequestOrigin, on loop: any EventLoop
    ) -> EventLoopFuture<PollAnswer> {
        loop.makeSucceededFuture(PollAnswer(status: .ok, headers: ["etag": "\"1\""], body: ByteBuffer(string: "[]")))
    }

    func forward(
        _ head: HTTPRequestHead, hasBody: Bool, from origin: RequestOrigin, on loop: any EventLoop,
        answer: any LegacyAnswerWriter
    ) -> any LegacyRequestWriter {
        let index = noted.withLock { requests in
            requests.append(HTTPHeadCheck.Passed(head: head))
            return requests.count - 1
        }
        return Writer(gateway: self, index: index, answer: answer)
    }

    private final class Writer: LegacyRequestWriter {
        private let gateway: NotingGateway
        private let index: Int
        private let answer: any LegacyAnswerWriter

        init(gateway: NotingGateway, index: Int, answer: any LegacyAnswerWriter) {
            self.gateway = gateway
            self.index = index
            self.answer = answer
        }

        func body(_ part: ByteBuffer) -> Bool {
            gateway.noted.withLock { $0[index].body += part.readableBytesView }
            return true
        }

        func end() {
            gateway.noted.withLock { $0[index].isEnded = true }
            answer.wantsBody()
            answer.head(HTTPResponseHead(version: .http1_1, status: .ok))
            _ = answer.body(ByteBuffer(string: "legacy"))
            answer.end()
        }

        func cancel() {}
    }
}
