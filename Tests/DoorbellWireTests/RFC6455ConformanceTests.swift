import DoorbellCore
import DoorbellWire
import Testing

/// What the Autobahn test suite asks of a server's reader, by its case numbers. Each stream is fed whole, byte by byte and in
/// pieces, and must end the same way.
@Suite struct RFC6455ConformanceTests {
    typealias Event = WebSocketFrameParser.Event
    typealias Frame = WebSocketFrame

    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    static func masked(_ opcode: Frame.Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        Frame.encode(opcode, payload, isFinal: isFinal, mask: 0x9A3B_5CF1)
    }
    static func text(_ text: String, isFinal: Bool = true) -> [UInt8] { masked(.text, bytes(text), isFinal: isFinal) }
    static func more(_ text: String, isFinal: Bool = true) -> [UInt8] {
        masked(.continuation, bytes(text), isFinal: isFinal)
    }
    static func ping(_ text: String) -> [UInt8] { masked(.ping, bytes(text)) }
    static func close(_ payload: [UInt8]) -> [UInt8] { masked(.close, payload) }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let stream: [UInt8]
        var events: [Event] = []
        var failure: UInt16?

        var testDescription: String { name }
    }

    static let large = [UInt8](repeating: 0x2A, count: 65_536)

    static let framing: [Case] =
        [
            .init(name: "1.1.1 an empty text", stream: text(""), events: [.text([])]),
            .init(name: "1.2.1 an empty binary", stream: masked(.binary, []), events: [.binary([])]),
        ]
        + [125, 126, 127, 128, 65_535, 65_536].flatMap { count in
            let payload = [UInt8](large.prefix(count))
            return [
                Case(name: "1.1 text of \(count)", stream: masked(.text, payload), events: [.text(payload)]),
                Case(name: "1.2 binary of \(count)", stream: masked(.binary, payload), events: [.binary(payload)]),
            ]
        }

    static let control: [Case] = [
        .init(name: "2.1 an empty ping", stream: ping(""), events: [.ping([])]),
        .init(name: "2.2 a ping with text", stream: ping("hello"), events: [.ping(bytes("hello"))]),
        .init(
            name: "2.3 a binary ping", stream: masked(.ping, [0, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0, 0xFF]),
            events: [.ping([0, 0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0, 0xFF])]),
        .init(
            name: "2.4 a ping of 125", stream: masked(.ping, [UInt8](repeating: 0xFE, count: 125)),
            events: [.ping([UInt8](repeating: 0xFE, count: 125))]),
        .init(
            name: "2.5 a ping of 126", stream: masked(.ping, [UInt8](repeating: 0xFE, count: 126)), failure: 1002),
        .init(name: "2.7 an unsolicited pong", stream: masked(.pong, []), events: [.pong([])]),
        .init(
            name: "2.9 an unsolicited pong, then a ping", stream: masked(.pong, bytes("x")) + ping("y"),
            events: [.pong(bytes("x")), .ping(bytes("y"))]),
        .init(
            name: "2.10 ten pings", stream: (0..<10).flatMap { ping("payload-\($0)") },
            events: (0..<10).map { .ping(bytes("payload-\($0)")) }),
    ]

    static let reserved: [Case] =
        (1...7).flatMap { bits -> [Case] in
            let bit = UInt8(bits) << 4
            return [
                Case(
                    name: "3.\(bits) reserved bits \(bits) after a message", stream: text("a") + [0x81 | bit],
                    events: [.text(bytes("a"))], failure: 1002),
                Case(name: "3.\(bits) reserved bits \(bits) on a ping", stream: [0x89 | bit], failure: 1002),
                Case(name: "3.\(bits) reserved bits \(bits) on a close", stream: [0x88 | bit], failure: 1002),
            ]
        }
        + ([3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8]).map {
            Case(
                name: "4 opcode \($0)", stream: text("a") + [0x80 | $0, 0x80, 1, 2, 3, 4] + ping("b"),
                events: [.text(bytes("a"))], failure: 1002)
        }

    static let fragments: [Case] = [
        .init(
            name: "5.1 a fragmented ping", stream: masked(.ping, bytes("a"), isFinal: false) + more("b"), failure: 1002),
        .init(
            name: "5.2 a fragmented pong", stream: masked(.pong, bytes("a"), isFinal: false) + more("b"), failure: 1002),
        .init(name: "5.3 two fragments", stream: text("a", isFinal: false) + more("b"), events: [.text(bytes("ab"))]),
        .init(
            name: "5.6 a ping between fragments", stream: text("a", isFinal: false) + ping("p") + more("b"),
            events: [.ping(bytes("p")), .text(bytes("ab"))]),
        .init(name: "5.9 a last continuation of nothing", stream: more("a") + text("b"), failure: 1002),
        .init(name: "5.12 a continuation of nothing", stream: more("a", isFinal: false) + text("b"), failure: 1002),
        .init(
            name: "5.15 a continuation after the last",
            stream: text("a", isFinal: false) + more("b") + more("c", isFinal: false) + text("d"),
            events: [.text(bytes("ab"))], failure: 1002),
        .init(
            name: "5.18 two beginnings", stream: text("a", isFinal: false) + text("b"), failure: 1002),
        .init(
            name: "5.19 five fragments and pings between them",
            stream: text("a", isFinal: false) + more("b", isFinal: false) + ping("1") + more("c", isFinal: false)
                + more("d", isFinal: false) + ping("2") + more("e"),
            events: [.ping(bytes("1")), .ping(bytes("2")), .text(bytes("abcde"))]),
        .init(
            name: "6.1.2 three empty fragments",
            stream: text("", isFinal: false) + more("", isFinal: false) + more(""), events: [.text([])]),
        .init(
            name: "6.1.3 a text between empty fragments",
            stream: text("", isFinal: false) + more("middle", isFinal: false) + more(""),
            events: [.text(bytes("middle"))]),
        .init(
            name: "a close between fragments", stream: text("a", isFinal: false) + close([0x03, 0xE8]),
            events: [.close(code: 1000, reason: "")]),
    ]

    static let closing: [Case] = [
        .init(
            name: "7.1.1 a message, then a close", stream: text("a") + close([0x03, 0xE8]),
            events: [.text(bytes("a")), .close(code: 1000, reason: "")]),
        .init(
            name: "7.1.2 two closes", stream: close([0x03, 0xE8]) + close([0x03, 0xE8]),
            events: [.close(code: 1000, reason: "")]),
        .init(
            name: "7.1.3 a ping after a close", stream: close([0x03, 0xE8]) + ping("a"),
            events: [.close(code: 1000, reason: "")]),
        .init(
            name: "7.1.5 a rest of a message after a close",
            stream: text("a", isFinal: false) + close([0x03, 0xE8]) + more("b"),
            events: [.close(code: 1000, reason: "")]),
        .init(name: "7.3.1 an empty close", stream: close([]), events: [.close(code: nil, reason: "")]),
        .init(name: "7.3.2 half a code", stream: close([0x03]), failure: 1002),
        .init(
            name: "7.3.4 a code and a reason", stream: close([0x03, 0xE8] + bytes("Hello World!")),
            events: [.close(code: 1000, reason: "Hello World!")]),
        .init(
            name: "7.3.5 the longest reason", stream: close([0x03, 0xE8] + [UInt8](large.prefix(123))),
            events: [.close(code: 1000, reason: String(repeating: "*", count: 123))]),
        .init(
            name: "7.3.6 a reason that is too long", stream: close([0x03, 0xE8] + [UInt8](large.prefix(124))),
            failure: 1002),
        .init(
            name: "7.5.1 a reason that is not UTF-8",
            stream: close([0x03, 0xE8] + bytes("κόσμε") + [0xED, 0xA0, 0x80] + bytes("edited")), failure: 1007),
        .init(name: "a reason that ends inside a character", stream: close([0x03, 0xE8, 0xE2, 0x82]), failure: 1007),
    ]

    @Test("Autobahn's cases", arguments: framing + control + reserved + fragments + closing)
    func behaves(_ test: Case) {
        for chunks in [[Int.max], [1], [7], [997]] {
            let transcript = Transcript(test.stream, chunks: chunks)
            #expect(transcript.events == test.events)
            #expect(transcript.failure == test.failure)
        }
    }

    /// Cases 6.5 to 6.22: what is UTF-8 and what is not. The second number is the byte that shows it; `nil`: it is text.
    static let sequences: [(bytes: [UInt8], fault: Int?)] = [
        (bytes("κόσμε"), nil), ([0x00], nil), ([0x7F], nil), ([0xC2, 0x80], nil), ([0xDF, 0xBF], nil),
        ([0xE0, 0xA0, 0x80], nil), ([0xEF, 0xBF, 0xBF], nil), ([0xF0, 0x90, 0x80, 0x80], nil),
        ([0xF4, 0x8F, 0xBF, 0xBF], nil), ([0xED, 0x9F, 0xBF], nil), ([0xEE, 0x80, 0x80], nil),
        ([0xEF, 0xBF, 0xBE], nil),
        // Values above U+10FFFF, and bytes of the old five and six byte forms.
        ([0xF4, 0x90, 0x80, 0x80], 1), ([0xF5, 0x80], 0), ([0xF7, 0xBF, 0xBF, 0xBF], 0),
        ([0xF8, 0x88, 0x80, 0x80, 0x80], 0), ([0xFC, 0x84, 0x80, 0x80, 0x80, 0x80], 0), ([0xFE], 0), ([0xFF], 0),
        // Continuations of nothing.
        ([0x80], 0), ([0xBF], 0), ([0x61, 0x80, 0xBF], 1),
        // Beginnings without their continuation.
        ([0xC0, 0x20], 0), ([0xC2, 0x20], 1), ([0xE1, 0x20], 1), ([0xF1, 0x20], 1), ([0xE1, 0x80, 0x20], 2),
        ([0xF1, 0x80, 0x80, 0x20], 3), ([0xC2], 1), ([0xE1, 0x80], 2), ([0xF1, 0x80, 0x80], 3),
        // Longer than needed.
        ([0xC0, 0xAF], 0), ([0xC1, 0xBF], 0), ([0xE0, 0x80, 0xAF], 1), ([0xE0, 0x9F, 0xBF], 1),
        ([0xF0, 0x80, 0x80, 0xAF], 1), ([0xF0, 0x8F, 0xBF, 0xBF], 1),
        // Surrogates, alone and in pairs.
        ([0xED, 0xA0, 0x80], 1), ([0xED, 0xBF, 0xBF], 1), ([0xED, 0xA0, 0x80, 0xED, 0xB0, 0x80], 1),
    ]

    @Test(
        "text that is not UTF-8 fails at the byte that shows it, wherever frames and reads cut it", arguments: sequences
    )
    func utf8(_ bytes: [UInt8], _ fault: Int?) {
        let whole = Self.masked(.text, bytes)
        for chunks in [[Int.max], [1]] {
            let transcript = Transcript(whole, chunks: chunks)
            #expect(transcript.failure == (fault == nil ? nil : 1007))
            #expect(transcript.events == (fault == nil ? [.text(bytes)] : []))
        }
        // One byte a frame.
        let frames = bytes.indices.map {
            Self.masked($0 == 0 ? .text : .continuation, [bytes[$0]], isFinal: $0 == bytes.count - 1)
        }
        #expect(Transcript(frames.flatMap { $0 }, chunks: [3]).failure == (fault == nil ? nil : 1007))
        // Within an unfinished frame: not before the byte, and not after it.
        guard let fault, fault < bytes.count else { return }
        let long = Self.masked(.text, bytes + Self.large)
        let header = long.count - bytes.count - Self.large.count
        #expect(Transcript(Array(long[..<(header + fault)]), chunks: [1]).failure == nil)
        #expect(Transcript(Array(long[...(header + fault)]), chunks: [1]).failure == 1007)
    }

    @Test("every close code is allowed or refused as RFC 6455 and its registry say", arguments: [true, false])
    func codes(_ hasReason: Bool) {
        for number in UInt16.min ... .max {
            let isAllowed =
                switch number {
                case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000...4999: true
                default: false
                }
            let payload = [UInt8(number >> 8), UInt8(number & 0xFF)] + (hasReason ? Self.bytes("ß") : [])
            var parser = WebSocketFrameParser(role: .server, maximumMessageSize: 100)
            parser.append(Self.close(payload))
            let event = try? parser.next()
            guard event == (isAllowed ? .close(code: number, reason: hasReason ? "ß" : "") : nil) else {
                Issue.record("close code \(number)")
                return
            }
        }
    }
}
