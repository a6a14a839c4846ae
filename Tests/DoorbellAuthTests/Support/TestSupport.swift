import CoreMetrics
import DoorbellCore
import Foundation
import Logging

@testable import DoorbellAuth

/// Every log line, as text.
final class LogRecord: LogHandler, Sendable {
    private let lines = Locked<[String]>([])
    var all: [String] { lines.withLock { $0 } }

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

    func log(event: LogEvent) {
        let line = "\(event.level): \(event.message) \(event.metadata ?? [:])"
        lines.withLock { $0.append(line) }
    }

    var logger: Logger { Logger(label: "test", factory: { _ in self }) }
}

/// A moment that tests move.
final class TestClock: Sendable {
    private let moment: Locked<Timestamp>
    init(_ moment: Timestamp = TestToken.now) { self.moment = Locked(moment) }
    var now: Timestamp { moment.withLock { $0 } }
    func advance(_ duration: Duration) { moment.withLock { $0 = $0.advanced(by: duration) } }
}

/// An issuer that answers what the test says.
final class FakeIssuer: KeySetFetcher {
    private let state: Locked<(answer: Result<KeySetAnswer, KeyError>, fetches: Int)>

    init(_ jwks: String, cacheControl: [String] = []) {
        state = Locked((.success(KeySetAnswer(body: Array(jwks.utf8), cacheControl: cacheControl)), 0))
    }

    var fetches: Int { state.withLock { $0.fetches } }

    func serve(_ jwks: String, cacheControl: [String] = []) {
        state.withLock { $0.answer = .success(KeySetAnswer(body: Array(jwks.utf8), cacheControl: cacheControl)) }
    }

    func fail() { state.withLock { $0.answer = .failure(KeyError("the issuer is down")) } }

    func fetch(_ url: String, timeout: Duration, limit: Int) async throws(KeyError) -> KeySetAnswer {
        let answer = state.withLock { state in
            state.fetches += 1
            return state.answer
        }
        return try answer.get()
    }
}

/// A folder of the test's own, gone with it.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "doorbell-auth-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes beside and renames, as careful writers do; each time the file is another one.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try text.write(toFile: file(name), atomically: true, encoding: .utf8)
        return file(name)
    }
}

struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

/// Runs `openssl` to its end.
@discardableResult
func openssl(_ arguments: String...) async throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    let status: Int32 = try await withCheckedThrowingContinuation { continuation in
        process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
        do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    guard status == 0 else { throw CommandFailure(description: "openssl \(arguments.first ?? ""): \(status)") }
    return try output.fileHandleForReading.readToEnd() ?? Data()
}

extension TokenVerifier {
    /// A verifier whose metrics go nowhere, unless said otherwise.
    static func test(
        _ configuration: TokenConfiguration, issuer: FakeIssuer? = nil, log: LogRecord = LogRecord(),
        clock: TestClock = TestClock(), metrics: any MetricsFactory = NOOPMetricsHandler.instance
    ) throws -> TokenVerifier {
        try TokenVerifier(
            configuration, fetcher: issuer, logger: log.logger, metrics: metrics, now: { clock.now })
    }
}
