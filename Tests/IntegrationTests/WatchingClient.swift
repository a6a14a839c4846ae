import DoorbellCore
import Foundation
import NIOCore
import NIOPosix

/// A client that knows nothing of the service's own figures: it counts the bytes of its socket, and notes of each row that it sees when the row was
/// committed, as the row itself says, and when it first saw it.
final class WatchingClient: Sendable {
    private struct State {
        var buffer: [UInt8] = []
        var seen: Set<Int> = []
        var staleness: [Double] = []
        var bytesUp = 0
        var bytesDown = 0
        var asked = 0
        var answers = 0
        var unchanged = 0
        var tag: String?
        /// What is seen for the first time counts.
        var isCounting = false
    }

    private final class Handler: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state = Locked(State())
        private let isPolling: Bool

        init(isPolling: Bool) { self.isPolling = isPolling }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let now = WatchingClient.now
            let bytes = unwrapInboundIn(data).readableBytesView
            state.withLock { state in
                state.bytesDown += bytes.count
                state.buffer += bytes
                if isPolling { Self.takeAnswer(&state) }
                Self.look(&state, now)
                if state.buffer.count > 4096, !isPolling { state.buffer.removeFirst(state.buffer.count - 512) }
            }
        }

        /// A whole answer: whether it brought anything, and its tag.
        private static func takeAnswer(_ state: inout State) {
            let text = String(decoding: state.buffer, as: UTF8.self)
            guard let end = text.range(of: "\r\n\r\n") else { return }
            let head = text[..<end.lowerBound].lowercased()
            let status = Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0
            let length =
                head.split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
            guard status == 304 || text[end.upperBound...].utf8.count >= length else { return }
            state.answers += 1
            let body = text[end.upperBound...]
            let tag = text.range(of: "(?i)etag: ?[^\r]*", options: .regularExpression).map {
                String(text[$0].dropFirst(6))
            }
            if status == 304 || (state.tag != nil && state.tag == tag) { state.unchanged += 1 }
            state.tag = tag ?? state.tag
            state.buffer = Array(body.utf8)
        }

        private static func look(_ state: inout State, _ now: Timestamp) {
            let text = String(decoding: state.buffer, as: UTF8.self)
            for match in text.matches(of: /"id": ?(\d+), ?"at": ?(\d+)/) {
                guard let id = Int(match.1), state.seen.insert(id).inserted, state.isCounting,
                    let committed = Int64(match.2)
                else { continue }
                state.staleness.append(now.seconds(since: Timestamp(microseconds: committed)))
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// One loop, which does nothing else.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let channel: any Channel
    private let handler: Handler
    private let path: String
    let sendsTags: Bool
    private let polling = Locked<RepeatedTask?>(nil)

    private static var now: Timestamp { Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1e6)) }

    private init(port: Int, path: String, isPolling: Bool, sendsTags: Bool) async throws {
        let handler = Handler(isPolling: isPolling)
        self.handler = handler
        self.path = path
        self.sendsTags = sendsTags
        channel = try await ClientBootstrap(group: Self.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler) }
            }.connect(host: "127.0.0.1", port: port).get()
    }

    /// Polls once, waits for the answer, and goes on polling when it is told to.
    static func polling(port: Int, path: String, sendsTags: Bool) async throws -> WatchingClient {
        let client = try await WatchingClient(port: port, path: path, isPolling: true, sendsTags: sendsTags)
        client.poll()
        return client
    }

    func poll(every period: TimeAmount, after delay: TimeAmount) {
        let task = channel.eventLoop.scheduleRepeatedTask(initialDelay: delay, delay: period) { [weak self] _ in
            self?.poll()
        }
        polling.withLock { $0 = task }
    }

    private func poll() {
        // One at a time, however slow this machine is.
        let (isAnswered, tag) = handler.state.withLock { state in
            defer { if state.answers == state.asked { state.asked += 1 } }
            return (state.answers == state.asked, sendsTags ? state.tag : nil)
        }
        guard isAnswered else { return }
        handler.state.withLock { $0.buffer = [] }
        send(
            "GET \(path) HTTP/1.1\r\nhost: doorbell.test\r\nuser-agent: watching\r\n"
                + (tag.map { "if-none-match: \($0)\r\n" } ?? "") + "\r\n")
    }

    /// A WebSocket, by hand.
    static func pushed(port: Int, channel: String) async throws -> WatchingClient {
        let client = try await WatchingClient(port: port, path: "", isPolling: false, sendsTags: false)
        client.send(
            "GET /_doorbell/ws HTTP/1.1\r\nhost: doorbell.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                + "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        let message = Array(#"{"type":"subscribe","channel":"\#(channel)"}"#.utf8)
        // A masked text frame; the mask is 0.
        client.send([0x81, 0x80 | UInt8(message.count), 0, 0, 0, 0] + message)
        return client
    }

    private func send(_ text: String) { send(Array(text.utf8)) }

    private func send(_ bytes: [UInt8]) {
        handler.state.withLock { $0.bytesUp += bytes.count }
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func stopPolling() { polling.withLock { $0 }?.cancel() }
    func close() async { try? await channel.close() }
    func count() { handler.state.withLock { $0.isCounting = true } }

    var answers: Int { handler.state.withLock { $0.answers } }
    var unchanged: Int { handler.state.withLock { $0.unchanged } }
    var seen: Int { handler.state.withLock { $0.seen.count } }
    /// Seconds, of what was seen since ``count()``.
    var staleness: [Double] { handler.state.withLock { $0.staleness } }
    var bytes: (up: Int, down: Int) { handler.state.withLock { ($0.bytesUp, $0.bytesDown) } }
    var text: String { handler.state.withLock { String(decoding: $0.buffer, as: UTF8.self) } }
}
