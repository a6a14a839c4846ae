import AsyncHTTPClient
import CoreMetrics
import DoorbellRollout
import Foundation
import Logging
import NIOCore
import NIOHTTP1

/// Posts what gates decide, as JSON. Each decision once: who does not take it within 5 s misses it; the audit log has it.
struct GateWebhook: Sendable {
    static let timeout: TimeAmount = .seconds(5)

    private let client: HTTPClient
    private let logger: Logger

    init(group: any EventLoopGroup, logger: Logger) {
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: settings)
        self.logger = logger
    }

    func shutdown() async throws { try await client.shutdown() }

    /// Returns when it is answered, or has failed.
    func post(_ decision: GateDecision, to url: String) async {
        var trouble: String?
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var request = HTTPClientRequest(url: url)
            request.method = .POST
            request.headers = ["content-type": "application/json", "user-agent": "doorbell"]
            request.body = .bytes(ByteBuffer(bytes: try encoder.encode(decision)))
            // The answer's body is not read.
            let response = try await client.execute(request, timeout: Self.timeout)
            if !(200..<300).contains(response.status.code) { trouble = "it answered \(response.status.code)" }
        } catch {
            trouble = "\(error)"
        }
        Counter(
            label: "doorbell_gate_webhooks_total", dimensions: [("result", trouble == nil ? "taken" : "failed")]
        ).increment()
        if let trouble {
            logger.warning(
                "a webhook did not take a decision",
                metadata: ["doorbell.feature": "\(decision.feature)", "doorbell.reason": "\(trouble)"])
        }
    }
}
