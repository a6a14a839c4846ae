import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import Foundation
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellShim

#if os(Linux)
/// Answers that come compressed are larger once they are read.
@Suite(.serialized) struct ParityMemoryTests {
    /// A mebibyte of zeros.
    private static let compressed: [UInt8] =
        [0x78, 0xDA, 0xED, 0xC1, 0x31, 0x01, 0x00, 0x00, 0x00, 0xC2, 0xA0, 0xF5, 0x4F, 0x6D, 0x08, 0x5F, 0xA0]
        + Array(repeating: 0, count: 1016) + [0x3E, 0x03, 0x00, 0xF0, 0x00, 0x01]

    /// Of this process, in bytes: what it has (`VmRSS`), or the most that it had (`VmHWM`).
    private func memory(_ name: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return try #require(Int(line.filter(\.isNumber))) << 10
    }

    /// The most that it had begins anew.
    private func forgetPeak() throws {
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "/proc/self/clear_refs"))
        try file.write(contentsOf: Data("5".utf8))
        try file.close()
    }

    @Test("many compressed answers at once are read one at a time")
    func oneAtATime() throws {
        #expect(EncodedBody.plain(Self.compressed, encoding: "deflate")?.count == 1 << 20)
        let feature = Feature(
            name: "notes", poll: try PollPattern("GET /notes"), tables: [], channel: try ChannelTemplate("notes"))
        let now: @Sendable () -> Timestamp = { Timestamp(microseconds: 1_000_000_000) }
        let hub = Hub(now: now)
        let position = Position(epoch: 1, tick: 1, seq: 0)
        hub.open(floor: position)
        let recorder = ParityRecorder(features: [feature], hub: hub, now: now, isCompared: { _ in true })
        recorder.captureChanged(to: .live(leader: true))
        let poll = try #require(FeatureCatalog([feature]).poll(matching: "/notes"))
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/notes")
        let answer = HTTPResponseHead(version: .http1_1, status: .ok, headers: ["content-encoding": "deflate"])
        let count = 48
        for _ in 0..<count {
            var capture = try #require(recorder.begins(poll, head, position: position))
            capture.began(answer)
            capture.passed(ByteBuffer(bytes: Self.compressed))
            recorder.ended(capture, status: .ok, digest: 1)
        }
        try forgetPeak()
        let before = try memory("VmRSS")
        recorder.process()
        let peak = try memory("VmHWM") - before
        #expect(recorder.counts(of: "notes").quiet == UInt64(count - 1))
        #expect(peak < count << 19, "\(peak >> 20) MiB at once")
    }
}
#endif
