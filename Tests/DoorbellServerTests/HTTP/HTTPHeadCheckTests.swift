import Foundation
import Testing

@Suite struct HTTPHeadCheckTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/fuzz/head")

    @Test("what was found by fuzzing request heads stays found")
    func replay() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
        #expect(!names.isEmpty)
        for name in names {
            let bytes = Array(try Data(contentsOf: Self.folder.appending(path: name)))
            #expect(HTTPHeadCheck.check(bytes) == nil, "\(name)")
        }
    }
}
