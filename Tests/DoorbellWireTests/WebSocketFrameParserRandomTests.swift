import DoorbellCore
import DoorbellTestSupport
import DoorbellWire
import Testing

@Suite struct WebSocketFrameParserRandomTests {
    /// A legal conversation, as one stream of bytes, and what must come out of it.
    private func conversation(_ random: inout SplitMix) -> (bytes: [UInt8], events: [WebSocketFrameParser.Event]) {
        let alphabet = Array("abc äß€日🔔".unicodeScalars)
        var stream: [UInt8] = []
        var events: [WebSocketFrameParser.Event] = []
        func frame(_ opcode: WebSocketFrame.Opcode, _ payload: [UInt8], isFinal: Bool = true) {
            let mask = UInt32.random(in: 0 ... .max, using: &random)
            stream += WebSocketFrame.encode(opcode, payload, isFinal: isFinal, mask: mask)
        }
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let isText = Bool.random(using: &random)
            var payload: [UInt8] = []
            for _ in 0..<Int.random(in: 0...200, using: &random) {
                if isText {
                    payload += Array(String(alphabet.randomElement(using: &random) ?? "a").utf8)
                } else {
                    payload.append(UInt8.random(in: 0 ... .max, using: &random))
                }
            }
            var rest = payload[...]
            var opcode: WebSocketFrame.Opcode = isText ? .text : .binary
            repeat {
                let piece = rest.prefix(Int.random(in: 0...120, using: &random))
                rest = rest.dropFirst(piece.count)
                frame(opcode, Array(piece), isFinal: rest.isEmpty)
                opcode = .continuation
                if Bool.random(using: &random) {
                    let ping = (0..<Int.random(in: 0...125, using: &random)).map { UInt8($0) }
                    frame(.ping, ping)
                    if rest.isEmpty { events.append(isText ? .text(payload) : .binary(payload)) }
                    events.append(.ping(ping))
                    if rest.isEmpty { break }
                } else if rest.isEmpty {
                    events.append(isText ? .text(payload) : .binary(payload))
                }
            } while !rest.isEmpty
        }
        return (stream, events)
    }

    @Test("however the bytes are cut, the same events come out")
    func chunking() {
        var random = SplitMix(state: 1)
        for _ in 0..<150 {
            let (bytes, events) = conversation(&random)
            let whole = Transcript(bytes)
            #expect(whole.events == events)
            #expect(whole.failure == nil)
            #expect(Transcript(bytes, chunks: [1]) == whole)
            for _ in 0..<3 {
                let chunks = (0..<40).map { _ in Int.random(in: 1...97, using: &random) }
                #expect(Transcript(bytes, chunks: chunks) == whole)
            }
        }
    }

    @Test("a conversation with some bytes changed gives the same events and the same failure however it is cut")
    func damaged() {
        var random = SplitMix(state: 2)
        for _ in 0..<300 {
            var bytes = conversation(&random).bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0 ... .max, using: &random)
            }
            let whole = Transcript(bytes)
            #expect(Transcript(bytes, chunks: [1]) == whole)
            let chunks = (0..<40).map { _ in Int.random(in: 1...97, using: &random) }
            #expect(Transcript(bytes, chunks: chunks) == whole)
        }
    }

    @Test("random bytes never trap")
    func noise() {
        var random = SplitMix(state: 3)
        for round in 0..<5000 {
            var bytes = (0..<Int.random(in: 1...64, using: &random)).map { _ in
                UInt8.random(in: 0 ... .max, using: &random)
            }
            // Plausible beginnings get further in.
            if round % 2 == 0 { bytes = [0x81, 0x80 | bytes[0] & 0x7F] + bytes }
            for role in [WebSocketFrameParser.Role.server, .client] {
                let whole = Transcript(bytes, role: role, limit: 1000)
                #expect(Transcript(bytes, role: role, limit: 1000, chunks: [1]) == whole)
            }
        }
    }

    @Test("text is UTF-8 for the parser exactly when it is for the standard library")
    func agreesWithStandardLibrary() {
        var random = SplitMix(state: 4)
        let interesting: [UInt8] = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        var valid = 0
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                interesting.randomElement(using: &random) ?? 0
            }
            if Bool.random(using: &random) { bytes = Array("ascii before ".utf8) + bytes }
            let isValid = String(validating: bytes, as: UTF8.self) != nil
            let transcript = Transcript(WebSocketFrame.encode(.text, bytes), role: .client)
            #expect(transcript.events == (isValid ? [.text(bytes)] : []))
            #expect(transcript.failure == (isValid ? nil : 1007))
            if isValid { valid += 1 }
        }
        #expect(valid > 500)
    }

    @Test("a promise of many bytes costs nothing until they come, and nothing is left when they have gone")
    func insideMessage() throws {
        var parser = WebSocketFrameParser(role: .client, maximumMessageSize: .max)
        #expect(!parser.isInsideMessage)
        parser.append([0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        #expect(try parser.next() == nil)
        #expect(parser.isInsideMessage)
    }
}
