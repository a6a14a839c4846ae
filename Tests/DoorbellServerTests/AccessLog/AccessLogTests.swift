import CoreMetrics
import DoorbellCore
import DoorbellTestSupport
import Foundation
import Logging
import NIOCore
import Testing

@testable import DoorbellServer

@Suite struct AccessLogTests {
    /// A folder with a file in it, removed at the end.
    private final class Place: Sendable {
        let folder = NSTemporaryDirectory() + "doorbell-access-\(UInt64.random(in: 0 ... .max))"
        var path: String { folder + "/access.log" }
        var text: String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
        var lines: [String] { text.split(separator: "\n").map(String.init) }

        init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func log(capacity: Int = AccessLog.capacity, metrics: TestMetrics = TestMetrics()) throws -> AccessLog {
            try AccessLog(
                path: path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, capacity: capacity,
                factory: metrics)
        }
    }

    @Test("lines are added to what is there, in their order, and all of them at the end")
    func order() throws {
        let place = try Place()
        try "before\n".write(toFile: place.path, atomically: true, encoding: .utf8)
        let log = try place.log()
        for number in 0..<1000 { log.note(Array("\(number)\n".utf8)) }
        log.close()
        #expect(place.lines == ["before"] + (0..<1000).map(String.init))
    }

    @Test("beyond its bound lines are dropped and counted, and nobody waits")
    func bound() throws {
        let place = try Place()
        let metrics = TestMetrics()
        let log = try place.log(capacity: 100, metrics: metrics)
        // Ten times ten bytes fit; it may have written some out meanwhile.
        for number in 0..<10_000 { log.note(Array("\(number + 10_000_000)x\n".utf8)) }
        log.close()
        log.note(Array("late\n".utf8))
        #expect(place.lines.count + metrics.total == 10_001)
        #expect(metrics.total > 1)
    }

    @Test("a file that was moved or removed is opened anew")
    func rotation() async throws {
        let place = try Place()
        let log = try place.log()
        log.note(Array("one\n".utf8))
        try await eventually("it is written") { place.text == "one\n" }
        try FileManager.default.moveItem(atPath: place.path, toPath: place.path + ".1")
        log.note(Array("two\n".utf8))
        try await eventually("it is written anew") { place.text == "two\n" }
        try FileManager.default.removeItem(atPath: place.path)
        log.note(Array("three\n".utf8))
        try await eventually("it is written anew") { place.text == "three\n" }
        #expect(try String(contentsOfFile: place.path + ".1", encoding: .utf8) == "one\n")
        log.close()
    }

    @Test("a file that cannot be opened is said in a sentence, one that cannot be written loses lines and no more")
    func trouble() throws {
        let place = try Place()
        do {
            _ = try AccessLog(path: place.folder + "/none/access.log", logger: Logger(label: "test"))
            Issue.record("it was opened")
        } catch {
            #expect(error.code == .system)
            #expect(error.message.contains("No such file or directory"))
        }
        let metrics = TestMetrics()
        let log = try AccessLog(
            path: "/dev/full", logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, capacity: 1000,
            factory: metrics)
        log.note(Array("one\ntwo\n".utf8))
        log.close()
        #expect(metrics.total == 2)
    }

    // MARK: Over a server

    @Test(
        "every request leaves a line when it is over: what was proxied, answered here, refused, and no request at all")
    func requests() async throws {
        let place = try Place()
        let log = try place.log()
        try await withServer([try TestFeatures.notifications()]) {
            $0.accessLog = log
        } _: { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send(
                "GET /a?token=secret HTTP/1.1\r\nHost: h\r\nReferer: https://a/?ticket=secret\r\nUser-Agent: \"me\"\r\n\r\n"
            )
            #expect(try await raw.answer().status == 200)
            try await raw.send("GET /_doorbell/none HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6, 192.0.2.7\r\n\r\n")
            let none = try await raw.answer()
            try await raw.send("HEAD /_doorbell/health/live HTTP/1.1\r\nHost: h\r\n\r\n")
            _ = try await raw.answer(toHead: true)
            try await raw.send("GET /two HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n")
            let refused = try await raw.answer()
            let broken = try await RawClient(port: server.port)
            try await broken.send("nonsense\r\n\r\n")
            let malformed = try await broken.answer()
            log.close()
            let lines = place.lines.map { String($0.drop { $0 != "\"" }) }
            #expect(
                lines == [
                    #""GET /a?token=*** HTTP/1.1" 200 8 "https://a/?ticket=***" "\"me\"""#,
                    "\"GET /_doorbell/none HTTP/1.1\" 404 \(none.body.count) \"-\" \"-\"",
                    #""HEAD /_doorbell/health/live HTTP/1.1" 200 0 "-" "-""#,
                    "\"GET /two HTTP/1.1\" 400 \(refused.body.count) \"-\" \"-\"",
                    "\"-\" 400 \(malformed.body.count) \"-\" \"-\"",
                ])
            #expect(
                place.lines.map { $0.prefix { $0 != " " } } == ["127.0.0.1", "192.0.2.7"]
                    + Array(repeating: "127.0.0.1", count: 3))
            #expect(!place.text.contains("secret"))
        }
    }

    @Test("a client that is gone before its answer is 499")
    func gone() async throws {
        let place = try Place()
        let log = try place.log()
        try await withServer([]) {
            $0.accessLog = log
        } _: { server in
            server.gateway.reply { _, _ in .hold }
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
            try await eventually("it is on its way") { server.gateway.heldForwards == 1 }
            await raw.close()
            try await eventually("a line") { place.text.contains("\"GET /slow HTTP/1.1\" 499 0 ") }
        }
        log.close()
    }

    @Test("a WebSocket and an event stream leave a line at their ends, with the bytes that were sent")
    func streams() async throws {
        let place = try Place()
        let log = try place.log()
        try await withServer([try TestFeatures.notifications()]) {
            $0.accessLog = log
        } _: { server in
            let socket = try await RawClient(port: server.port)
            try await socket.send(
                "GET /_doorbell/ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
            try await socket.wait(for: "the welcome") { $0.text.contains("welcome") }
            let events = try await RawClient(port: server.port)
            try await events.send(
                "GET /_doorbell/sse?channel=user:7:notifications HTTP/1.1\r\nHost: h\r\nAccept: text/event-stream\r\n\r\n"
            )
            try await events.wait(for: "an event") { $0.text.contains("data:") }
            #expect(place.text.isEmpty)
            _ = try await socket.answer()
            let sent = socket.bytes.count
            await socket.close()
            try await eventually("a line") { place.lines.count == 1 }
            #expect(place.text.contains("\"GET /_doorbell/ws HTTP/1.1\" 101 \(sent) "))
            await events.close()
            try await eventually("a line") { place.lines.count == 2 }
            let line = try #require(place.lines.last)
            #expect(line.contains("\"GET /_doorbell/sse?channel=user:7:notifications HTTP/1.1\" 200 "))
            #expect(!line.contains(" 200 0 "))
        }
        log.close()
    }
}

/// Adds up all counters.
private final class TestMetrics: MetricsFactory {
    private let sum = Locked(0)
    var total: Int { sum.withLock { $0 } }

    private final class Sum: CounterHandler {
        let sum: Locked<Int>
        init(_ sum: Locked<Int>) { self.sum = sum }
        func increment(by amount: Int64) { sum.withLock { $0 += Int(amount) } }
        func reset() {}
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { Sum(sum) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { NOOPMetricsHandler.instance }
    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
