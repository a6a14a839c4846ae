import CoreMetrics
import Crypto
import DoorbellCore
import DoorbellTestSupport
import Foundation
import Testing

@testable import DoorbellAuth
@testable import DoorbellServer

/// The issuer of the keys is down when the service starts, and comes back.
@Suite struct KeysAwayTests {
    /// Answers when the test says so.
    private final class Issuer: KeySetFetcher {
        private let body = Locked<String?>(nil)

        func serve(_ text: String) { body.withLock { $0 = text } }

        func fetch(_ url: String, timeout: Duration, limit: Int) async throws(KeyError) -> KeySetAnswer {
            guard let text = body.withLock({ $0 }) else { throw KeyError("the issuer cannot be reached") }
            return KeySetAnswer(body: Array(text.utf8), cacheControl: [])
        }
    }

    private let tokens = TestTokens()
    private let key = P256.Signing.PrivateKey()

    private var jwks: String {
        let point = Array(key.publicKey.x963Representation)
        let (x, y) = (TestTokens.encoded(Array(point[1..<33])), TestTokens.encoded(Array(point[33...])))
        return #"{"keys":[{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)"}]}"#
    }

    private func token() throws -> String {
        let payload = #"{"sub":"ann","exp":\#(tokens.seconds + 3600),"org":"7"}"#
        let signed =
            TestTokens.encoded(Array(#"{"alg":"ES256"}"#.utf8)) + "." + TestTokens.encoded(Array(payload.utf8))
        return signed + "." + TestTokens.encoded(Array(try key.signature(for: Array(signed.utf8)).rawRepresentation))
    }

    private func status(_ server: TestServer, _ token: String) async throws -> HTTPAnswer {
        let raw = try await RawClient(port: server.port)
        try await raw.send(
            WebSocketProbe.handshake("/api/orgs/7/orders", headers: ["Authorization: Bearer \(token)"]))
        let answer = try await raw.answer()
        await raw.close()
        return answer
    }

    @Test("until the keys are there tokens are answered 503, polls pass, and then everything is as it should be")
    func comesBack() async throws {
        let issuer = Issuer()
        var configuration = TokenConfiguration(keys: .jwksURL(.init("https://issuer.example/keys")))
        configuration.clockSkew = .zero
        let verifier = try TokenVerifier(
            configuration, fetcher: issuer, logger: tokens.logger, metrics: NOOPMetricsHandler.instance, now: tokens.now
        )
        let running = Task { try await verifier.run() }
        defer { running.cancel() }
        try await withTokens([try TestFeatures.orders()], tokens, verifier: verifier) { server in
            let token = try token()
            let away = try await status(server, token)
            #expect(away.status == 503 && away["retry-after"] == "2")
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET /api/orgs/7/orders HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer \(token)\r\n\r\n")
            #expect(try await raw.answer().status == 200)

            let socket = try await WebSocketProbe.open(server.port)
            try await socket.send(#"{"type":"auth","token":"\#(token)","id":1}"#)
            try await socket.text(containing: #""code":"upstream_unavailable""#)

            issuer.serve(jwks)
            try await eventually("the keys are fetched again") {
                // Looked at again after some seconds, by the verifier's own clock.
                tokens.advance(seconds: 1)
                return try await status(server, token).status == 101
            }
            try await socket.send(#"{"type":"auth","token":"\#(token)","id":2}"#)
            try await socket.text(containing: #""type":"refreshed""#)
            #expect(tokens.log.filter { $0.contains("could not be loaded") }.count == 1)
            for line in tokens.log { #expect(!line.contains(token)) }
        }
    }
}
