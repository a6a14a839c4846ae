import ServiceLifecycle

/// Looks once a second whether capture is still heard of: ``CaptureWatch``.
struct CaptureWatchService: Service {
    let pipeline: ChangePipeline

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .seconds(1))) != nil { pipeline.look() }
        }
    }
}
