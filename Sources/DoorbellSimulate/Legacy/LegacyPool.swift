import DoorbellCore
import NIOCore
import NIOPosix

/// Connections to PostgreSQL with a thread each. What waits for one is bounded by the clients' connections: each asks for one
/// thing at a time.
final class LegacyPool: Sendable {
    static let size = 4

    private let threads = NIOThreadPool(numberOfThreads: size)
    private let idle: Locked<[LegacyConnection]>

    init(_ conninfo: String) throws {
        idle = Locked(try (0..<Self.size).map { _ in try LegacyConnection(conninfo) })
        threads.start()
    }

    /// A user's rows as JSON.
    func rows(of user: Int, on loop: any EventLoop) -> EventLoopFuture<[UInt8]> {
        threads.runIfActive(eventLoop: loop) { [idle] in
            // As many threads as connections, so there is one.
            guard let connection = idle.withLock({ $0.popLast() }) else {
                throw DoorbellError(.database, "no connection is left")
            }
            defer { idle.withLock { $0.append(connection) } }
            return try connection.rows(of: user)
        }
    }

    func stop() async { try? await threads.shutdownGracefully() }
}
