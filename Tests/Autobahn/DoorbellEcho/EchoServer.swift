import DoorbellWire
import Foundation
import NIOCore
import NIOPosix

/// A WebSocket echo server on a free port of 127.0.0.1, made of Doorbell's own WebSocket code: what `Tests/Autobahn/run.py`
/// tests. Prints its port, and ends when standard input is closed. `--deflate`: takes offers of compression.
@main
enum EchoServer {
    /// Above the longest message of the test suite.
    private static let maximumMessageSize = 64 << 20

    static func main() async throws {
        let compresses = CommandLine.arguments.contains("--deflate")
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        EchoConnection(
                            maximumMessageSize: maximumMessageSize, deflater: compresses ? MessageDeflater() : nil))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        print(listener.localAddress?.port ?? 0)
        // Through a pipe the line would wait for company.
        fflush(nil)
        while readLine() != nil {}
        try await listener.close()
        try await group.shutdownGracefully()
    }
}
