import ServiceLifecycle

/// Ticks the tail once a second, and ends its streams when the service is to end: they would hold up the admin port.
struct TailService: Service {
    let board: TailBoard

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .seconds(1))) != nil { board.tick() }
        }
        board.close()
    }
}
