import DoorbellCore
import NIOCore
import NIOPosix

/// Accepts connections and never reads from them.
final class DeafServer: Sendable {
    private let channel: any Channel
    private let children = Locked<[any Channel]>([])

    var port: Int { channel.localAddress?.port ?? 0 }

    init() async throws {
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { child in
                box.server.withLock { $0 }?.children.withLock { $0.append(child) }
                return child.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        box.server.withLock { $0 = self }
    }

    private final class Box: Sendable {
        let server = Locked<DeafServer?>(nil)
    }

    func stop() async {
        try? await channel.close()
        for child in children.withLock({ $0 }) { try? await child.close() }
    }
}
