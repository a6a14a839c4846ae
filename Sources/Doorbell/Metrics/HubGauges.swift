import CoreMetrics
import DoorbellHub

/// Shows how much the hub holds.
struct HubGauges: Sendable {
    private let channels = Meter(label: "doorbell_channels")
    private let subscriptions = Meter(label: "doorbell_subscriptions")
    private let messages = Meter(label: "doorbell_history_messages")
    private let bytes = Meter(label: "doorbell_history_bytes")

    func show(_ usage: HubUsage) {
        channels.set(usage.channels)
        subscriptions.set(usage.subscriptions)
        messages.set(usage.messages)
        bytes.set(usage.bytes)
    }
}
