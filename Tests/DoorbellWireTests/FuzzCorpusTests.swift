import Foundation
import Testing

/// Every input that ever broke something, and those that the fuzzer begins with.
@Suite struct FuzzCorpusTests {
    static let directory = GoldenFiles.directory.deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "fuzz")

    static func inputs(_ folder: URL) throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map { name in
            (name, Array(try Data(contentsOf: folder.appending(path: name))))
        }
    }

    @Test("what was found by fuzzing stays found", arguments: FuzzChecks.allCases)
    func replay(_ checks: FuzzChecks) throws {
        let inputs = try Self.inputs(Self.directory.appending(path: checks.rawValue))
        #expect(!inputs.isEmpty)
        for input in inputs { #expect(checks.check(input.bytes) == nil, "\(checks)/\(input.name)") }
    }

    @Test("golden messages hold, too")
    func golden() throws {
        for input in try Self.inputs(GoldenFiles.directory) {
            #expect(FuzzChecks.messages.check(input.bytes) == nil, "\(input.name)")
        }
    }
}
