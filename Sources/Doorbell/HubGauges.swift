import CoreMetrics
import DoorbellHub
import ServiceLifecycle

/// Once a second: lets the hub forget what is too old, and shows how much it holds.
struct HubGauges: Service {
    let hub: Hub
    private let channels = Meter(label: "doorbell_channels")
    private let subscriptions = Meter(label: "doorbell_subscriptions")
    private let messages = Meter(label: "doorbell_history_messages")
    private let bytes = Meter(label: "doorbell_history_bytes")

    init(hub: Hub) { self.hub = hub }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while true {
                hub.sweep()
                let usage = hub.usage
                channels.set(usage.channels)
                subscriptions.set(usage.subscriptions)
                messages.set(usage.messages)
                bytes.set(usage.bytes)
                guard (try? await Task.sleep(for: .seconds(1))) != nil else { return }
            }
        }
    }
}
