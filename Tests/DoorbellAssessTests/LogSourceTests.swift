import CZlib
import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

@testable import DoorbellAssess

@Suite struct LogSourceTests {
    private static let log: [UInt8] = {
        var mix = AccessLogGenerator.Mix()
        mix.pollers = 6
        mix.shared = 1
        mix.clickers = 3
        mix.crawlers = 1
        mix.reloaders = 2
        mix.bursts = 1
        mix.uploads = 1
        mix.scanners = 1
        var bytes: [UInt8] = []
        AccessLogGenerator(duration: 120, mix: mix).run { line, _ in bytes += line }
        return bytes
    }()

    static func gzip(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        _ = czlib_deflate_init(&stream, 6, 16 + 15, 8)
        defer { deflateEnd(&stream) }
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + 1024)
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                deflate(&stream, Z_FINISH)
                return output.count - Int(stream.avail_out)
            }
        }
        return Array(output[..<count])
    }

    @Test(arguments: [1, 2, 3, 7, 64, 1000, 4096]) func `a log is the same however its bytes come`(chunk: Int) throws {
        let format = try LogFormat("combined")
        let whole = ReadLog(MemoryReader(Self.log, chunk: .max), format: format)
        #expect(whole.entries.count > 100)
        #expect(whole.badLines == 0)
        #expect(ReadLog(MemoryReader(Self.log, chunk: chunk), format: format, block: 1024) == whole)
        let zipped = GzipReader(MemoryReader(Self.gzip(Self.log), chunk: chunk), path: "log")
        #expect(ReadLog(zipped, format: format, block: 1500) == whole)
    }

    @Test func `a log is the same wherever it is cut into two members of gzip`() throws {
        let format = try LogFormat("combined")
        let log = Array(Self.log.prefix(700))
        let whole = ReadLog(MemoryReader(log, chunk: .max), format: format)
        for cut in stride(from: 0, through: log.count, by: 13) {
            let members = Self.gzip(Array(log[..<cut])) + Self.gzip(Array(log[cut...]))
            #expect(ReadLog(GzipReader(MemoryReader(members, chunk: 100), path: "log"), format: format) == whole)
        }
    }

    @Test func `half a gzip file gives what is in it, and says so`() throws {
        let zipped = Self.gzip(Self.log)
        let half = ReadLog(
            GzipReader(MemoryReader(Array(zipped.prefix(zipped.count / 2)), chunk: 100), path: "a.gz"),
            format: try LogFormat("combined"))
        #expect(half.entries.count > 10)
        #expect(half.failure == "a.gz is not whole: it ends within its compressed data")
        var damaged = zipped
        for index in 300..<320 { damaged[index] ^= 0x55 }
        let read = ReadLog(
            GzipReader(MemoryReader(damaged, chunk: 100), path: "a.gz"), format: try LogFormat("combined"))
        #expect(read.failure == "a.gz is damaged: its compressed data cannot be read")
    }

    @Test func `a last line without a line feed counts`() throws {
        let line = #"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 0"#
        #expect(ReadLog(line, format: try LogFormat("common")).entries.count == 1)
        #expect(ReadLog(line + "\r\n" + line, format: try LogFormat("common")).entries.count == 2)
    }

    @Test(arguments: [1, 1000, Int.max])
    func `a line that is longer than a block is dropped and counted, and the next one is read`(chunk: Int) throws {
        let line = #"192.0.2.7 - - [28/May/2026:20:26:40 +0200] "GET / HTTP/1.1" 200 0"# + "\n"
        let text = line + String(repeating: "x", count: 5000) + "\n" + line
        let log = ReadLog(text, format: try LogFormat("common"), chunk: chunk, block: 512)
        #expect(log.entries.count == 2)
        #expect(log.badLines == 1)
        #expect(log.lines == 3)
        let end = ReadLog(
            line + String(repeating: "x", count: 5000), format: try LogFormat("common"), chunk: chunk, block: 512)
        #expect(end.entries.count == 1)
        #expect(end.badLines == 1)
    }

    @Test func `what the fuzzer has found stays right`() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/fuzz/logs")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(files.count >= 5)
        for file in files {
            #expect(LogFuzzCheck.check(Array(try Data(contentsOf: file))) == nil, "\(file.lastPathComponent)")
        }
    }

    /// Mutations of lines of all formats; what the fuzzer does at length.
    @Test func `no bytes break the reading`() throws {
        var random = LogRandom(7)
        let lines = [
            String(decoding: Self.log.prefix(400), as: UTF8.self),
            #"{"remote_addr":"192.0.2.7","time_iso8601":"2026-05-28T20:26:40+02:00","request":"GET /a\/b\u0026 HTTP/1.1","status":"200"}"#,
            #"h2 2026-05-28T18:26:40.1Z app/x 192.0.2.7:1 - -1 -1 -1 200 - 34 5 "GET https://a:443/b?c=d HTTP/1.1" "x" - - -"#,
        ]
        for round in 0..<1000 {
            var bytes = [UInt8(round % 8), UInt8(truncatingIfNeeded: random.next())]
            for _ in 0..<3 { bytes += Array((lines.randomElement(using: &random) ?? "").utf8) + [0x0A] }
            for _ in 0..<(random.next() % 12) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            if round % 5 == 0 { bytes.removeSubrange(Int(random.next() % UInt64(bytes.count))...) }
            #expect(LogFuzzCheck.check(bytes) == nil)
        }
    }
}
