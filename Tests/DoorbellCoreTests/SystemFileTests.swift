import DoorbellCore
import Foundation
import Testing

@Suite struct SystemFileTests {
    private let file = FileManager.default.temporaryDirectory.appendingPathComponent(
        "doorbell-file-\(UUID().uuidString)")

    @Test func `of a file that is too long one byte more than may be is read`() throws {
        try Data("hello, world".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try SystemFile.bytes(of: file.path, limit: 12) == Array("hello, world".utf8))
        #expect(try SystemFile.bytes(of: file.path, limit: 4) == Array("hello".utf8))
        #expect(try SystemFile.bytes(of: file.path, limit: 1_000_000).count == 12)
    }

    @Test func `a file longer than one read is read to its end`() throws {
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try SystemFile.bytes(of: file.path, limit: 1 << 20) == bytes)
    }

    @Test func `what cannot be read says why`() {
        #expect(throws: FileFailure(number: ENOENT)) { try SystemFile.bytes(of: file.path, limit: 1) }
        #expect(throws: FileFailure(number: EISDIR)) { try SystemFile.bytes(of: "/", limit: 1) }
    }

    @Test func `a full disk and a reader that has gone are no trap`() throws {
        signal(SIGPIPE, SIG_IGN)
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        #expect(throws: FileFailure(number: ENOSPC)) { try FileOutput(descriptor: full).write("x") }
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let failure = #expect(throws: FileFailure.self) { try FileOutput(descriptor: ends[1]).write("x") }
        #expect(failure?.isNobodyReading == true)
    }
}
