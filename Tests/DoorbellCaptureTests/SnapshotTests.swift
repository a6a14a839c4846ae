import Testing

@testable import DoorbellCapture

@Suite("Snapshot") struct SnapshotTests {
    @Test("it sees what ended before it") func sees() throws {
        let snapshot = try #require(Snapshot("10:20:10,14,19"))
        let seen = (8...22).filter { snapshot.sees($0) }
        #expect(seen == [8, 9, 11, 12, 13, 15, 16, 17, 18])
        #expect(snapshot.description == "10:20:10,14,19")
        #expect(snapshot.runningArray == "{10,14,19}")
        #expect(try #require(Snapshot("5:5:")).sees(4))
    }

    @Test(
        "what PostgreSQL would not write is refused",
        arguments: [
            "", "1", "1:2", "2:1:", "1:9:9", "1:9:0", "1:9:4,3", "1:9:4,4", "a:b:", "1:9:x", "-1:9:", "1:2:3:4",
        ]) func malformed(_ text: String)
    {
        #expect(Snapshot(text) == nil)
    }
}
