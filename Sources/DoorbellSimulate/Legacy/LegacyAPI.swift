import NIOCore
import NIOHTTP1
import NIOPosix

/// The legacy API of a simulation, small but honest: each poll is a SELECT, each user sees their own rows only.
public enum LegacyAPI {
    /// Serves on a free port of the loopback interface, for as long as the process lives.
    ///
    /// - Parameters:
    ///   - database: libpq's conninfo.
    ///   - hasEntityTags: Whether answers have an `ETag`, and `If-None-Match` is understood.
    ///   - listening: Called with the port.
    /// - Throws: `DoorbellError`, or what the network threw.
    public static func serve(
        database: String, hasEntityTags: Bool, listening: (_ port: Int) -> Void
    ) async throws {
        let pool = try LegacyPool(database)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        LegacyHandler(pool: pool, hasEntityTags: hasEntityTags))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        listening(channel.localAddress?.port ?? 0)
        try await channel.closeFuture.get()
        await pool.stop()
    }
}
