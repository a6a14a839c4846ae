import ServiceLifecycle

/// What is to be done once a second, by one timer, so that an idle service wakes once for all of it.
struct EverySecond: Service {
    /// None may block.
    let jobs: [@Sendable () -> Void]
    /// Called when the service is to end.
    let end: @Sendable () -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            repeat {
                for job in jobs { job() }
            } while (try? await Task.sleep(for: .seconds(1))) != nil
        }
        end()
    }
}
