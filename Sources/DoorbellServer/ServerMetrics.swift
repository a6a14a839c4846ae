import CoreMetrics
import DoorbellCore

/// What the server counts. Label values come from closed sets: features of the configuration, transports, policies.
struct ServerMetrics: Sendable {
    /// Open connections by transport: `http` (not upgraded) and `websocket`.
    let httpConnections: Meter
    let webSocketConnections: Meter
    /// Seconds from the handshake to the end of a WebSocket.
    let connectionLifetime: Timer
    /// Seconds from a change's commit to the moment its message was handed to the sockets of one loop.
    let commitToSend: Timer
    /// Bytes waiting in a connection's send buffer, noted whenever there are some after a write.
    let sendBuffer: Recorder
    /// Subscriptions that asked for a position: found, or gone.
    let recovered: Counter
    let notRecovered: Counter
    /// Connections refused because ``ServerConfiguration/maximumConnections`` was reached.
    let refusedConnections: Counter
    private let features: [ObjectIdentifier: FeatureMetrics]

    struct FeatureMetrics: Sendable {
        let messagesSent: Counter
        let bytesSent: Counter
        let slowReset: Counter
        let slowDisconnect: Counter
    }

    init(features: [Feature], factory: any MetricsFactory = MetricsSystem.factory) {
        httpConnections = Meter(label: "doorbell_connections", dimensions: [("transport", "http")], factory: factory)
        webSocketConnections = Meter(
            label: "doorbell_connections", dimensions: [("transport", "websocket")], factory: factory)
        connectionLifetime = Timer(label: "doorbell_connection_lifetime_seconds", factory: factory)
        commitToSend = Timer(label: "doorbell_commit_to_send_seconds", factory: factory)
        sendBuffer = Recorder(label: "doorbell_send_buffer_bytes", factory: factory)
        recovered = Counter(label: "doorbell_recover_total", dimensions: [("result", "recovered")], factory: factory)
        notRecovered = Counter(label: "doorbell_recover_total", dimensions: [("result", "gone")], factory: factory)
        refusedConnections = Counter(label: "doorbell_refused_connections_total", factory: factory)
        let slowReset = Counter(
            label: "doorbell_slow_clients_total", dimensions: [("policy", "reset")], factory: factory)
        let slowDisconnect = Counter(
            label: "doorbell_slow_clients_total", dimensions: [("policy", "disconnect")], factory: factory)
        var table: [ObjectIdentifier: FeatureMetrics] = [:]
        for feature in features {
            table[ObjectIdentifier(feature)] = FeatureMetrics(
                messagesSent: Counter(
                    label: "doorbell_messages_sent_total",
                    dimensions: [("feature", feature.name), ("transport", "websocket")], factory: factory),
                bytesSent: Counter(
                    label: "doorbell_sent_bytes_total", dimensions: [("feature", feature.name), ("path", "push")],
                    factory: factory),
                slowReset: slowReset, slowDisconnect: slowDisconnect)
        }
        self.features = table
    }

    subscript(feature: Feature) -> FeatureMetrics? { features[ObjectIdentifier(feature)] }
}
