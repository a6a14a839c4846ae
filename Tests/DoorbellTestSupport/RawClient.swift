import DoorbellCore
package import NIOCore
import NIOPosix
package import NIOSSL

/// A socket that sends what it is told and keeps what it gets: for tests of bytes.
package final class RawClient: Sendable {
    package struct TimedOut: Error, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    private struct Received {
        var bytes: [UInt8] = []
        var isClosed = false
    }

    private final class Collector: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let received = Locked(Received())

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = unwrapInboundIn(data).readableBytesView
            received.withLock { $0.bytes.append(contentsOf: bytes) }
        }

        func channelInactive(context: ChannelHandlerContext) { received.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    package let channel: any Channel
    private let collector: Collector

    /// - Parameters:
    ///   - stalled: Never reads, and takes little into its kernel buffer.
    ///   - source: The address to connect from; `nil`: the system chooses.
    ///   - tls: Speaks TLS; what is sent and received here is what is inside.
    package init(
        port: Int, host: String = "127.0.0.1", from source: String? = nil, stalled: Bool = false,
        tls: NIOSSLContext? = nil
    ) async throws {
        let collector = Collector()
        self.collector = collector
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.autoRead, value: !stalled)
            .channelOption(.socketOption(.so_rcvbuf), value: stalled ? 4096 : 1 << 20)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    try channel.pipeline.syncOperations.addHandler(collector)
                }
            }
        let bound = try source.map { bootstrap.bind(to: try SocketAddress(ipAddress: $0, port: 0)) } ?? bootstrap
        channel = try await bound.connect(host: host, port: port).get()
    }

    package func send(_ text: String) async throws { try await send(Array(text.utf8)) }
    package func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }
    package func resume() async throws { try await channel.setOption(.autoRead, value: true).get() }
    package func close() async { try? await channel.close() }

    package var bytes: [UInt8] { collector.received.withLock { $0.bytes } }
    package var text: String { String(decoding: bytes, as: UTF8.self) }
    package var isClosed: Bool { collector.received.withLock { $0.isClosed } }

    /// Takes the first `count` bytes away.
    package func drop(_ count: Int) { collector.received.withLock { $0.bytes.removeFirst(count) } }

    /// Looks again and again until `condition` holds.
    package func wait(
        for what: String, seconds: Double = 20, until condition: (RawClient) throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if try condition(self) { return }
            guard ContinuousClock.now < deadline else {
                throw TimedOut(description: "\(what): did not happen; closed: \(isClosed), got: \(text.suffix(2000))")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    package func waitForClose() async throws { try await wait(for: "close") { $0.isClosed } }

    /// The next whole HTTP answer, taken away from what was received.
    package func answer(toHead isHead: Bool = false) async throws -> HTTPAnswer {
        var answer: HTTPAnswer?
        try await wait(for: "an HTTP answer") { client in
            guard let (found, length) = HTTPAnswer.parse(client.bytes, isHead: isHead, isClosed: client.isClosed) else {
                return false
            }
            answer = found
            client.drop(length)
            return true
        }
        guard let answer else { throw TimedOut(description: "no answer") }
        return answer
    }
}

/// Waits for a condition that is no client's.
package func eventually(
    _ what: String, seconds: Double = 20, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw RawClient.TimedOut(description: "\(what): did not happen") }
        try await Task.sleep(for: .milliseconds(2))
    }
}
