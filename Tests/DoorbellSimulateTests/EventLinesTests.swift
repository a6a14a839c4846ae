import Testing

@testable import DoorbellSimulate

@Suite("Data of an event stream")
struct EventLinesTests {
    private static let stream = "id: 1.2-3\ndata: {\"a\":1}\n\n: comment\n\ndata: {\"b\":2}\n\nevent: x\ndata: tail"

    @Test("comes out line by line, however it is cut", arguments: 1...20)
    func cut(size: Int) {
        var lines = EventLines()
        var messages: [String] = []
        let bytes = Array(Self.stream.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            lines.append(bytes[start..<min(start + size, bytes.count)]) {
                messages.append(String(decoding: $0, as: UTF8.self))
            }
        }
        #expect(messages == [#"{"a":1}"#, #"{"b":2}"#])
    }

    @Test("a line that never ends is left out, and the next one is not")
    func long() {
        var lines = EventLines()
        var messages: [Int] = []
        for _ in 0..<3 {
            lines.append(Array("data: ".utf8) + Array(repeating: 97, count: 600_000)) { messages.append($0.count) }
        }
        lines.append("\ndata: ab\n".utf8) { messages.append($0.count) }
        #expect(messages == [2])
    }
}
