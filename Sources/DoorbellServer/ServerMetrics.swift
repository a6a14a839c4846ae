import CoreMetrics
import DoorbellCore

/// What the server counts. Label values come from closed sets: features of the configuration, transports, policies.
struct ServerMetrics: Sendable {
    /// Open connections by transport: `http` (HTTP/1.1, none of the others), `http2`, `websocket` and `sse` (also those that are
    /// streams of an HTTP/2 connection), `tunnel`.
    let httpConnections: Meter
    let http2Connections: Meter
    /// WebSockets of the legacy API that pass through.
    let tunnelConnections: Meter
    private let webSocketConnections: Meter
    private let eventConnections: Meter
    /// Seconds from the handshake to the end of a WebSocket or an event stream.
    let connectionLifetime: Timer
    /// Seconds from a change's commit to the moment its message was handed to the sockets of one loop.
    let commitToSend: Timer
    /// Bytes waiting in a connection's send buffer, noted whenever there are some after a write.
    let sendBuffer: Recorder
    /// Subscriptions that asked for a position: found, or gone.
    let recovered: Counter
    let notRecovered: Counter
    /// Subscriptions of clients that came with a position: after a loss, or after polls.
    let reconnects: Counter
    /// Connections that were refused at once.
    private let refused: [ConnectionRefusal: Counter]
    /// TLS handshakes that were finished, and those that were not.
    let handshakes: Counter
    let failedHandshakes: Counter
    /// Clients that read too slowly: that lost something, and that were closed for it.
    let slowReset: Counter
    /// Clients that fell behind on a feature that conflates.
    let slowConflate: Counter
    let slowDisconnect: Counter
    /// Bytes of messages before and after they were compressed, once for each message and window.
    let compressionInput: Counter
    let compressionOutput: Counter
    /// Held polls that were answered by a change, and by their deadline.
    let heldAnswered: Counter
    let heldExpired: Counter
    private let callsAnswered: Counter
    private let callsTooLong: Counter
    private let callsFailed: Counter
    /// Acknowledgements that move a durable cursor.
    let acknowledgements: Counter
    /// Messages that were delivered again from a durable cursor.
    let redelivered: Counter
    private let features: [ObjectIdentifier: FeatureMetrics]

    struct FeatureMetrics: Sendable {
        let webSocketMessages: Counter
        let eventMessages: Counter
        let bytesSent: Counter
        /// Seconds from a change's commit to the moment its message was handed to the sockets of one loop.
        let staleness: Timer
        /// Messages that slow clients were spared.
        let conflated: Counter
        /// Times that several messages left together.
        let batches: Counter
        /// Clients whose state was not what a poll said.
        let drifts: Counter
        /// What became of questions to the legacy API after changes; empty without `mode: answer`.
        let answers: [AnswerResult: Counter]
    }

    enum AnswerResult: String, CaseIterable {
        case body, patch
        /// The change has not changed the answer.
        case unchanged
        case refused, failed
    }

    init(features: [Feature], factory: any MetricsFactory = MetricsSystem.factory) {
        httpConnections = Meter(label: "doorbell_connections", dimensions: [("transport", "http")], factory: factory)
        http2Connections = Meter(label: "doorbell_connections", dimensions: [("transport", "http2")], factory: factory)
        tunnelConnections = Meter(
            label: "doorbell_connections", dimensions: [("transport", "tunnel")], factory: factory)
        webSocketConnections = Meter(
            label: "doorbell_connections", dimensions: [("transport", "websocket")], factory: factory)
        eventConnections = Meter(label: "doorbell_connections", dimensions: [("transport", "sse")], factory: factory)
        connectionLifetime = Timer(label: "doorbell_connection_lifetime_seconds", factory: factory)
        commitToSend = Timer(label: "doorbell_commit_to_send_seconds", factory: factory)
        sendBuffer = Recorder(label: "doorbell_send_buffer_bytes", factory: factory)
        recovered = Counter(label: "doorbell_recover_total", dimensions: [("result", "recovered")], factory: factory)
        notRecovered = Counter(label: "doorbell_recover_total", dimensions: [("result", "gone")], factory: factory)
        reconnects = Counter(label: "doorbell_reconnects_total", factory: factory)
        refused = Dictionary(
            uniqueKeysWithValues: ConnectionRefusal.allCases.map { reason in
                let dimensions = [("reason", reason.rawValue)]
                return (
                    reason,
                    Counter(label: "doorbell_refused_connections_total", dimensions: dimensions, factory: factory)
                )
            })
        func handshakes(_ result: String) -> Counter {
            Counter(label: "doorbell_tls_handshakes_total", dimensions: [("result", result)], factory: factory)
        }
        self.handshakes = handshakes("done")
        failedHandshakes = handshakes("failed")
        slowReset = Counter(
            label: "doorbell_slow_clients_total", dimensions: [("policy", "reset")], factory: factory)
        slowConflate = Counter(
            label: "doorbell_slow_clients_total", dimensions: [("policy", "conflate")], factory: factory)
        compressionInput = Counter(label: "doorbell_compression_input_bytes_total", factory: factory)
        compressionOutput = Counter(label: "doorbell_compression_output_bytes_total", factory: factory)
        slowDisconnect = Counter(
            label: "doorbell_slow_clients_total", dimensions: [("policy", "disconnect")], factory: factory)
        heldAnswered = Counter(
            label: "doorbell_held_polls_total", dimensions: [("result", "changed")], factory: factory)
        heldExpired = Counter(
            label: "doorbell_held_polls_total", dimensions: [("result", "expired")], factory: factory)
        func calls(_ result: String) -> Counter {
            Counter(label: "doorbell_requests_total", dimensions: [("result", result)], factory: factory)
        }
        callsAnswered = calls("answered")
        callsTooLong = calls("limit")
        callsFailed = calls("failed")
        acknowledgements = Counter(label: "doorbell_acknowledgements_total", factory: factory)
        redelivered = Counter(label: "doorbell_redelivered_total", factory: factory)
        var table: [ObjectIdentifier: FeatureMetrics] = [:]
        for feature in features {
            func messages(_ transport: PushTransport) -> Counter {
                Counter(
                    label: "doorbell_messages_sent_total",
                    dimensions: [("feature", feature.name), ("transport", transport.rawValue)], factory: factory)
            }
            table[ObjectIdentifier(feature)] = FeatureMetrics(
                webSocketMessages: messages(.webSocket), eventMessages: messages(.events),
                bytesSent: Counter(
                    label: "doorbell_sent_bytes_total", dimensions: [("feature", feature.name), ("path", "push")],
                    factory: factory),
                staleness: Timer(
                    label: "doorbell_staleness_seconds", dimensions: [("feature", feature.name), ("path", "push")],
                    factory: factory),
                conflated: Counter(
                    label: "doorbell_conflated_messages_total", dimensions: [("feature", feature.name)],
                    factory: factory),
                batches: Counter(
                    label: "doorbell_batches_sent_total", dimensions: [("feature", feature.name)], factory: factory),
                drifts: Counter(
                    label: "doorbell_drift_total", dimensions: [("feature", feature.name)], factory: factory),
                answers: Self.answers(of: feature, factory))
        }
        self.features = table
    }

    private static func answers(of feature: Feature, _ factory: any MetricsFactory) -> [AnswerResult: Counter] {
        guard feature.mode == .answer else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: AnswerResult.allCases.map { result in
                let dimensions = [("feature", feature.name), ("result", result.rawValue)]
                return (result, Counter(label: "doorbell_answers_total", dimensions: dimensions, factory: factory))
            })
    }

    func answered(_ feature: Feature, _ result: AnswerResult) { self[feature]?.answers[result]?.increment() }

    /// Open connections of one transport.
    subscript(transport: PushTransport) -> Meter {
        switch transport {
        case .webSocket: webSocketConnections
        case .events: eventConnections
        }
    }

    /// Calls to the legacy API over a socket.
    func called(_ outcome: CallOutcome) -> Counter {
        switch outcome {
        case .answered: callsAnswered
        case .tooLong, .unread: callsTooLong
        case .refused, .failed: callsFailed
        }
    }

    subscript(refusal: ConnectionRefusal) -> Counter? { refused[refusal] }

    subscript(feature: Feature) -> FeatureMetrics? { features[ObjectIdentifier(feature)] }
}
