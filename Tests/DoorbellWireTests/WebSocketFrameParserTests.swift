import DoorbellCore
import DoorbellWire
import Testing

/// What comes out of a parser: the events, and how it failed, if it did.
struct Transcript: Equatable {
    var events: [WebSocketFrameParser.Event] = []
    var failure: UInt16?

    /// - Parameter chunks: Sizes of the pieces that the bytes are fed in; the last one is used over and over.
    init(
        _ bytes: [UInt8], role: WebSocketFrameParser.Role = .server, limit: Int = 1 << 20, chunks: [Int] = [.max],
        allowsCompression: Bool = false
    ) {
        var parser = WebSocketFrameParser(
            role: role, maximumMessageSize: limit, allowsCompression: allowsCompression)
        var rest = bytes[...]
        var sizes = chunks[...]
        while !rest.isEmpty {
            let size = min(rest.count, max(1, sizes.first ?? 1))
            if sizes.count > 1 { sizes.removeFirst() }
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            if size % 2 == 0 { parser.append(piece) } else { piece.withUnsafeBytes { parser.append($0) } }
            do {
                while let event = try parser.next() { events.append(event) }
            } catch {
                failure = error.code.number
                // A failed parser stays failed.
                parser.append([0x81, 0x80, 0, 0, 0, 0])
                #expect(throws: error) { try parser.next() }
                return
            }
        }
    }
}

@Suite struct WebSocketFrameParserTests {
    typealias Frame = WebSocketFrame
    static let mask: UInt32 = 0x37FA_213D

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func masked(_ opcode: Frame.Opcode, _ payload: [UInt8], isFinal: Bool = true) -> [UInt8] {
        Frame.encode(opcode, payload, isFinal: isFinal, mask: Self.mask)
    }

    /// Fails in the same way whole and byte by byte.
    private func expectFailure(
        _ number: UInt16, after events: [WebSocketFrameParser.Event] = [], _ bytes: [UInt8],
        role: WebSocketFrameParser.Role = .server, limit: Int = 1 << 20,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for chunks in [[Int.max], [1]] {
            let transcript = Transcript(bytes, role: role, limit: limit, chunks: chunks)
            #expect(transcript.failure == number, sourceLocation: sourceLocation)
            #expect(transcript.events == events, sourceLocation: sourceLocation)
        }
    }

    // MARK: RFC 6455, section 5.7

    @Test("the examples of RFC 6455, section 5.7")
    func examples() {
        let hello = bytes("Hello")
        #expect(
            Transcript([0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], role: .client).events == [.text(hello)])
        #expect(
            Transcript([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).events == [.text(hello)])
        #expect(
            Transcript([0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f], role: .client).events == [.text(hello)])
        #expect(
            Transcript([0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f], role: .client).events == [.ping(hello)])
        #expect(
            Transcript([0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]).events == [.pong(hello)])
        let short = [UInt8](repeating: 7, count: 256)
        let long = [UInt8](repeating: 9, count: 65536)
        #expect(Transcript([0x82, 0x7E, 0x01, 0x00] + short, role: .client).events == [.binary(short)])
        #expect(
            Transcript([0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0] + long, role: .client).events == [.binary(long)])
    }

    @Test(
        "the writer writes what the reader reads, at every size where the header changes",
        arguments: [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536])
    func roundTrip(_ size: Int) {
        let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 % 128) }
        for (role, mask) in [
            (WebSocketFrameParser.Role.client, UInt32?.none), (.server, 0), (.server, Self.mask), (.server, .max),
        ] {
            #expect(Transcript(Frame.encode(.text, payload, mask: mask), role: role).events == [.text(payload)])
            #expect(
                Transcript(Frame.encode(.binary, payload, mask: mask), role: role, chunks: [3]).events == [
                    .binary(payload)
                ])
        }
    }

    // MARK: Fragments and control frames

    @Test("control frames may come between the fragments of a message")
    func interleaved() {
        let stream =
            masked(.text, bytes("one "), isFinal: false) + masked(.ping, bytes("?"))
            + masked(.continuation, [], isFinal: false) + masked(.pong, []) + masked(.continuation, bytes("two"))
            + masked(.text, []) + masked(.close, [])
        let expected: [WebSocketFrameParser.Event] = [
            .ping(bytes("?")), .pong([]), .text(bytes("one two")), .text([]), .close(code: nil, reason: ""),
        ]
        for chunks in [[Int.max], [1], [2], [7]] { #expect(Transcript(stream, chunks: chunks).events == expected) }
    }

    @Test("a continuation needs a message, and a message may not begin inside another")
    func fragmentOrder() {
        expectFailure(1002, masked(.continuation, bytes("x")))
        expectFailure(1002, after: [.text(bytes("a"))], masked(.text, bytes("a")) + masked(.continuation, []))
        expectFailure(1002, masked(.text, bytes("a"), isFinal: false) + masked(.text, bytes("b")))
        expectFailure(1002, masked(.text, bytes("a"), isFinal: false) + masked(.binary, bytes("b")))
    }

    @Test("control frames may not be fragmented or longer than 125 bytes")
    func controlFrames() {
        for opcode in [Frame.Opcode.ping, .pong, .close] {
            expectFailure(1002, masked(opcode, [], isFinal: false))
            expectFailure(1002, [0x80 | opcode.rawValue, 0xFE])
            expectFailure(1002, [0x80 | opcode.rawValue, 0xFF])
        }
        let payload = [UInt8](repeating: 0xFF, count: 125)
        #expect(Transcript(masked(.ping, payload), limit: 0, chunks: [1]).events == [.ping(payload)])
    }

    @Test("a control frame between fragments leaves the mask of the message alone")
    func maskPerFrame() {
        let stream =
            Frame.encode(.text, bytes("abc"), isFinal: false, mask: 0x0102_0304)
            + Frame.encode(.ping, bytes("ping"), mask: 0xA0B0_C0D0)
            + Frame.encode(.continuation, bytes("defgh"), mask: 0x5566_7788)
        for chunks in [[Int.max], [1], [5]] {
            #expect(Transcript(stream, chunks: chunks).events == [.ping(bytes("ping")), .text(bytes("abcdefgh"))])
        }
    }

    // MARK: Headers

    @Test("reserved bits are refused", arguments: [0x10, 0x20, 0x40, 0x70] as [UInt8])
    func reservedBits(_ bit: UInt8) {
        for opcode: UInt8 in [1, 2, 8, 9, 10] { expectFailure(1002, [0x80 | bit | opcode]) }
    }

    @Test(
        "reserved opcodes are refused at their first byte", arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func reservedOpcodes(_ opcode: UInt8) {
        expectFailure(1002, [0x80 | opcode])
        expectFailure(1002, [opcode])
    }

    @Test("clients must mask and servers may not")
    func masking() {
        expectFailure(1002, Array(Frame.encode(.text, bytes("a")).prefix(2)))
        expectFailure(1002, Array(masked(.text, bytes("a")).prefix(2)), role: .client)
        expectFailure(1002, Frame.encode(.ping, []))
        expectFailure(1002, masked(.ping, []), role: .client)
    }

    @Test("lengths must be written in the fewest bytes")
    func minimalLengths() {
        expectFailure(1002, [0x81, 126, 0, 125], role: .client)
        expectFailure(1002, [0x81, 126, 0, 0], role: .client)
        expectFailure(1002, [0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], role: .client)
        expectFailure(1002, [0x81, 127, 0x80], role: .client)
        expectFailure(1002, [0x81, 127, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], role: .client)
    }

    @Test("a message above the limit fails when a header says so, before its payload is there")
    func tooBig() {
        #expect(Transcript(masked(.text, bytes("12345")), limit: 5).events == [.text(bytes("12345"))])
        expectFailure(1009, Array(masked(.text, bytes("123456")).prefix(6)), limit: 5)
        expectFailure(1009, [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], role: .client)
        let parts = masked(.text, bytes("123"), isFinal: false) + masked(.continuation, bytes("45"), isFinal: false)
        expectFailure(1009, parts + masked(.continuation, bytes("6")).prefix(6), limit: 5)
        #expect(Transcript(parts + masked(.continuation, []), limit: 5).events == [.text(bytes("12345"))])
        // The limit is one message's, not the connection's.
        #expect(Transcript(masked(.text, bytes("12345")) + masked(.text, bytes("12345")), limit: 5).events.count == 2)
        expectFailure(1009, masked(.text, bytes("1")), limit: -1)
    }

    // MARK: Close

    @Test(
        "close codes that may be sent",
        arguments: [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4503, 4999,
        ] as [UInt16])
    func closeCodes(_ number: UInt16) {
        let frame = Frame.close(CloseCode(number: number, reason: "b€cause"), mask: Self.mask)
        #expect(Transcript(frame, chunks: [1]).events == [.close(code: number, reason: "b€cause")])
    }

    @Test(
        "close codes that may not be sent",
        arguments: [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] as [UInt16])
    func badCloseCodes(_ number: UInt16) {
        expectFailure(1002, Frame.close(CloseCode(number: number, reason: ""), mask: Self.mask))
    }

    @Test("a close frame has no code, or a code and UTF-8")
    func closePayloads() {
        expectFailure(1002, masked(.close, [3]))
        expectFailure(1007, masked(.close, [3, 0xE8, 0xC3]))
        expectFailure(1007, masked(.close, [3, 0xE8, 0x61, 0xED, 0xA0, 0x80]))
    }

    @Test("what comes after a close frame is ignored")
    func afterClose() {
        let stream = masked(.close, [3, 0xE8]) + masked(.text, bytes("late")) + [0xFF, 0xFF, 0xFF]
        for chunks in [[Int.max], [1]] {
            #expect(Transcript(stream, chunks: chunks).events == [.close(code: 1000, reason: "")])
            #expect(Transcript(stream, chunks: chunks).failure == nil)
        }
    }

    @Test("a close frame may end a message that was never finished")
    func closeInsideMessage() {
        let stream = masked(.text, bytes("half"), isFinal: false) + masked(.close, [3, 0xE9])
        #expect(Transcript(stream).events == [.close(code: 1001, reason: "")])
    }

    @Test("a long close reason is cut between characters")
    func longReason() {
        let frame = Frame.close(CloseCode(number: 4000, reason: String(repeating: "€", count: 100)))
        #expect(
            Transcript(frame, role: .client).events == [.close(code: 4000, reason: String(repeating: "€", count: 41))])
    }

    // MARK: UTF-8

    @Test(
        "text is checked as it arrives: the byte that breaks it fails the connection, within a frame and across fragments"
    )
    func failsEarly() {
        // The Autobahn cases 6.3 and 6.4: U+110000 after Greek letters, the rest of the frame not there yet.
        let greek = bytes("κόσμε")
        let whole = masked(.text, greek + [0xF4, 0x90, 0x80, 0x80] + bytes("edited"))
        let bad = 6 + greek.count + 1
        #expect(Transcript(Array(whole[...bad]), chunks: [1]).failure == 1007)
        #expect(Transcript(Array(whole[..<bad]), chunks: [1]).failure == nil)
        let parts = masked(.text, greek, isFinal: false) + masked(.continuation, [0xF4], isFinal: false)
        #expect(Transcript(parts).failure == nil)
        expectFailure(1007, parts + masked(.continuation, [0x90], isFinal: false))
    }

    @Test("a character may be cut by fragments and by reads")
    func cutCharacters() {
        let text = bytes("Grüße, κόσμε, 日本, 🔔")
        let stream = text.indices.flatMap { index in
            masked(index == 0 ? .text : .continuation, [text[index]], isFinal: index == text.count - 1)
        }
        for chunks in [[Int.max], [1], [9]] { #expect(Transcript(stream, chunks: chunks).events == [.text(text)]) }
    }

    @Test("a text that ends inside a character is refused")
    func endsInside() {
        expectFailure(1007, masked(.text, bytes("a") + [0xE2, 0x82]))
        expectFailure(1007, masked(.text, [0xE2, 0x82], isFinal: false) + masked(.continuation, []))
    }

    @Test("bytes of a binary message are not text")
    func binary() {
        #expect(Transcript(masked(.binary, [0xFF, 0xFE, 0])).events == [.binary([0xFF, 0xFE, 0])])
    }
}
