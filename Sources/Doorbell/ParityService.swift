import DoorbellShim
import ServiceLifecycle

/// Compares polls with what was pushed, five times a second.
struct ParityService: Service {
    let recorder: ParityRecorder

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .milliseconds(200))) != nil { recorder.process() }
        }
    }
}
