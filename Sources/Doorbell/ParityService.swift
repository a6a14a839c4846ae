import DoorbellShim
import ServiceLifecycle

/// Compares polls with what was pushed, as long as there are any: ``ParityRecorder/run()``.
struct ParityService: Service {
    let recorder: ParityRecorder

    func run() async throws {
        await cancelWhenGracefulShutdown { await recorder.run() }
    }
}
