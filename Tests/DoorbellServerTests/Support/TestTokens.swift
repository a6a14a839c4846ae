import Crypto
import DoorbellAuth
import DoorbellCore
import Foundation
import Logging

@testable import DoorbellServer

/// Tokens by a secret, a clock that stands still until a test moves it, and every log line.
final class TestTokens: Sendable {
    static let secret = "0123456789abcdef0123456789abcdef"

    private let moment = Locked(Timestamp(microseconds: 1_000_000_000))
    private let lines = Locked<[String]>([])

    /// What was logged by anything of the server or of the verifier.
    var log: [String] { lines.withLock { $0 } }
    var now: @Sendable () -> Timestamp { { [self] in moment.withLock { $0 } } }
    /// Unix time.
    var seconds: Int { Int(now().microseconds / 1_000_000) }
    func advance(seconds: Int) { moment.withLock { $0 = $0.advanced(by: .seconds(seconds)) } }

    var logger: Logger { Logger(label: "test") { _ in Recorder(lines: self.lines) } }

    func verifier(_ configure: (inout TokenConfiguration) -> Void = { _ in }) throws -> TokenVerifier {
        var configuration = TokenConfiguration(keys: .secret(Secret(Self.secret)))
        configuration.clockSkew = .zero
        configuration.channelsClaim = "channels"
        configure(&configuration)
        return try TokenVerifier(configuration, logger: logger, now: now)
    }

    /// Good for `lasting` seconds.
    func token(_ subject: String, lasting: Int = 3600, claims: String = "", secret: String = secret) -> String {
        let payload = #"{"sub":"\#(subject)","exp":\#(seconds + lasting)\#(claims.isEmpty ? "" : ",")\#(claims)}"#
        let signed = Self.encoded(Array(#"{"alg":"HS256"}"#.utf8)) + "." + Self.encoded(Array(payload.utf8))
        let key = SymmetricKey(data: Array(secret.utf8))
        return signed + "." + Self.encoded(Array(HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: key)))
    }

    static func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private struct Recorder: LogHandler {
        let lines: Locked<[String]>
        var logLevel: Logger.Level {
            get { .trace }
            set {}
        }
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        subscript(metadataKey _: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }
        func log(event: LogEvent) { lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") } }
    }
}

/// A server that knows clients by tokens.
func withTokens(
    _ features: [Feature], _ tokens: TestTokens, verifier: TokenVerifier? = nil,
    authentication: (inout Authentication) -> Void = { _ in },
    configure: (inout ServerConfiguration) -> Void = { _ in }, _ body: (TestServer) async throws -> Void
) async throws {
    var settings = Authentication(verifier: try verifier ?? tokens.verifier())
    authentication(&settings)
    try await withServer(
        features,
        configure: {
            $0.authentication = settings
            configure(&$0)
        }, logger: tokens.logger, now: tokens.now, body)
}
