import DoorbellCore
import DoorbellTestSupport
import Testing

@testable import DoorbellWire

@Suite struct PerMessageDeflateTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func accept(_ fields: String...) -> PerMessageDeflate? {
        PerMessageDeflate.accept(WebSocketExtension.parse(fields) ?? [])
    }

    // MARK: Agreement

    @Test(
        "an offer that can be met is answered with no context on either side",
        arguments: [
            ("permessage-deflate", "", 12), ("permessage-deflate; client_max_window_bits", "", 12),
            ("permessage-deflate; client_max_window_bits=8", "", 12),
            ("permessage-deflate; server_no_context_takeover; client_no_context_takeover", "", 12),
            ("permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=12", 12),
            ("permessage-deflate; server_max_window_bits=12", "; server_max_window_bits=12", 12),
            ("permessage-deflate; server_max_window_bits=11", "; server_max_window_bits=9", 9),
            (#"permessage-deflate; server_max_window_bits="9""#, "; server_max_window_bits=9", 9),
            ("x, permessage-deflate; server_max_window_bits=8, permessage-deflate", "", 12),
            ("permessage-deflate; no, permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=9", 9),
        ])
    func accepted(_ offer: String, _ more: String, _ bits: Int) {
        let agreement = accept(offer)
        #expect(
            agreement?.headerValue == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
                + more)
        #expect(agreement?.window.bits == bits)
    }

    @Test(
        "an offer that cannot be met is declined",
        arguments: [
            "", "x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=8", "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=010",
            "permessage-deflate; server_max_window_bits=+9", "permessage-deflate; server_max_window_bits=ten",
            "permessage-deflate; client_max_window_bits=16", "permessage-deflate; client_max_window_bits=08",
            "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
            "permessage-deflate; other", "permessage-deflate; other=1",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ])
    func declined(_ offer: String) { #expect(accept(offer) == nil) }

    // MARK: RFC 7692, section 7.2.3

    @Test(
        "the examples of RFC 7692, section 7.2.3",
        arguments: [
            // 7.2.3.1: one block, whole and in two frames.
            [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x41, 0x03, 0xF2, 0x48, 0xCD, 0x80, 0x04, 0xC9, 0xC9, 0x07, 0x00],
            // 7.2.3.3: a block without compression.
            [0xC1, 0x0B, 0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            // 7.2.3.4: a block that is marked as the last.
            [0xC1, 0x08, 0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            // 7.2.3.5: two blocks.
            [0xC1, 0x0D, 0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
            // 7.2.3.6: an empty last frame.
            [0x41, 0x06, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x80, 0x01, 0x00],
        ] as [[UInt8]])
    func examples(_ frames: [UInt8]) {
        for chunks in [[Int.max], [1], [2], [3]] {
            let transcript = Transcript(frames, role: .client, chunks: chunks, allowsCompression: true)
            #expect(transcript.events == [.text(bytes("Hello"))])
            #expect(transcript.failure == nil)
        }
    }

    @Test("a message that refers to the message before it is refused: no context is kept")
    func contextTakeover() {
        // 7.2.3.2: the second "Hello", of a sender that kept its window.
        let frames: [UInt8] =
            [0xC1, 0x07, 0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00] + [0xC1, 0x05, 0xF2, 0x00, 0x11, 0x00, 0x00]
        let transcript = Transcript(frames, role: .client, allowsCompression: true)
        #expect(transcript.events == [.text(bytes("Hello"))])
        #expect(transcript.failure == 1007)
    }

    // MARK: Frames

    @Test("the bit is allowed only where it was agreed on, and only on the first frame of a data message")
    func bit() {
        let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(Transcript(WebSocketFrame.encode(.text, hello, isCompressed: true), role: .client).failure == 1002)
        for opcode in [WebSocketFrame.Opcode.close, .ping, .pong] {
            let frame = WebSocketFrame.encode(opcode, [], isCompressed: true)
            #expect(Transcript(frame, role: .client, allowsCompression: true).failure == 1002)
        }
        let continued =
            WebSocketFrame.encode(.text, Array(hello.prefix(3)), isFinal: false, isCompressed: true)
            + WebSocketFrame.encode(.continuation, Array(hello.dropFirst(3)), isCompressed: true)
        #expect(Transcript(continued, role: .client, allowsCompression: true).failure == 1002)
        for bits: UInt8 in [0x10, 0x20, 0x30, 0x50, 0x60, 0x70] {
            #expect(Transcript([0x81 | bits], role: .client, allowsCompression: true).failure == 1002)
        }
    }

    @Test("compressed and plain messages, and pings between fragments, follow each other")
    func mixed() {
        let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        let stream =
            WebSocketFrame.encode(.text, bytes("a"))
            + WebSocketFrame.encode(.binary, Array(hello.prefix(2)), isFinal: false, isCompressed: true)
            + WebSocketFrame.encode(.ping, bytes("p")) + WebSocketFrame.encode(.continuation, [], isFinal: false)
            + WebSocketFrame.encode(.continuation, Array(hello.dropFirst(2)))
            + WebSocketFrame.encode(.text, bytes("ä"))
        for chunks in [[Int.max], [1], [3]] {
            let transcript = Transcript(stream, role: .client, chunks: chunks, allowsCompression: true)
            #expect(
                transcript.events == [.text(bytes("a")), .ping(bytes("p")), .binary(bytes("Hello")), .text(bytes("ä"))])
            #expect(transcript.failure == nil)
        }
    }

    @Test("text is checked after it was uncompressed")
    func utf8() throws {
        let stored = { (text: [UInt8]) in
            [0x00, UInt8(text.count), 0x00, ~UInt8(text.count), 0xFF] + text + [0x00]
        }
        for (text, failure) in [([0xE2, 0x82], 1007), ([0x61, 0xFF], 1007), ([0xE2, 0x82, 0xAC], nil)]
            as [([UInt8], UInt16?)]
        {
            let frame = WebSocketFrame.encode(.text, stored(text), isCompressed: true)
            #expect(Transcript(frame, role: .client, allowsCompression: true).failure == failure)
        }
        // Compressed bytes are not text, and need not look like it.
        let binary = WebSocketFrame.encode(.binary, stored([0xFF]), isCompressed: true)
        #expect(Transcript(binary, role: .client, allowsCompression: true).events == [.binary([0xFF])])
    }

    // MARK: Bounds

    @Test("a bomb is refused with 1009, and what just fits is not")
    func bombs() throws {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let bomb = try #require(DeflateStream(windowBits: 12, level: 9)?.deflate(zeros[...]))
        #expect(bomb.count < 20_000)
        let frame = WebSocketFrame.encode(.binary, bomb, isCompressed: true)
        #expect(Transcript(frame, role: .client, limit: 4 << 20, allowsCompression: true).events == [.binary(zeros)])
        #expect(Transcript(frame, role: .client, limit: (4 << 20) - 1, allowsCompression: true).failure == 1009)
        #expect(Transcript(frame, role: .client, limit: 20_000, allowsCompression: true).failure == 1009)
        #expect(Transcript(frame, role: .client, limit: bomb.count - 1, allowsCompression: true).failure == 1009)
    }

    @Test(
        "output of exactly the size of the chunks it is made in is whole",
        arguments: [16_383, 16_384, 16_385, 32_768, 65_536])
    func chunks(_ count: Int) throws {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let compressed = try #require(DeflateStream(windowBits: 12, level: 1)?.deflate(payload[...]))
        #expect(try MessageInflater.inflate(compressed, limit: count) == payload)
        #expect(throws: WebSocketError.self) { try MessageInflater.inflate(compressed, limit: count - 1) }
    }

    @Test("blocks marked as last are bounded, and refer to what came before them")
    func finalBlocks() throws {
        // Empty blocks of fixed codes, each the last of its stream.
        let empty = { (count: Int) -> [UInt8] in (0..<(2 * count)).map { $0 % 2 == 0 ? 0x03 : 0x00 } + [0x00] }
        #expect(try MessageInflater.inflate(empty(16), limit: 10) == [])
        #expect(throws: WebSocketError.self) { try MessageInflater.inflate(empty(17), limit: 10) }
        // "Hello" as a last block, then the second "Hello" of section 7.2.3.2, which refers to it.
        let twice: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00] + [0xF2, 0x00, 0x11, 0x00, 0x00]
        #expect(try MessageInflater.inflate(twice, limit: 10) == bytes("HelloHello"))
    }

    @Test("cut or disturbed anywhere, a compressed message is read or refused, and nothing traps")
    func disturbed() throws {
        var random = SplitMix(state: 7)
        let text = bytes((0..<60).map { "{\"id\":\($0),\"state\":\"new\"}" }.joined())
        let compressed = try #require(DeflateStream(windowBits: 12, level: 6)?.deflate(text[...]))
        for end in 0..<(compressed.count - 1) {
            // Cut within its only block, except for the very last bits.
            let cut = Result { try MessageInflater.inflate(Array(compressed[..<end]), limit: 1 << 20) }
            if end < compressed.count - 2 { #expect(throws: WebSocketError.self) { try cut.get() } }
        }
        for _ in 0..<2000 {
            var bytes = compressed
            bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0 ... .max, using: &random)
            _ = try? MessageInflater.inflate(bytes, limit: 4096)
        }
    }

    // MARK: Compressing

    @Test(
        "what is compressed is read back, within the window that was agreed on",
        arguments: [PerMessageDeflate.Window.usual, .small])
    func roundTrip(_ window: PerMessageDeflate.Window) throws {
        var random = SplitMix(state: 8)
        let stream = try #require(DeflateStream(windowBits: window.bits, level: 1))
        for _ in 0..<100 {
            let words = (0..<8).map { _ in String(UInt64.random(in: 0 ... .max, using: &random), radix: 36) }
            let count = Int.random(in: 20...600, using: &random)
            let text = bytes((0..<count).map { _ in words.randomElement(using: &random) ?? "" }.joined(separator: " "))
            let compressed = try #require(stream.deflate(text[...]))
            #expect(try MessageInflater.inflate(compressed, limit: text.count, windowBits: window.bits) == text)
            let mask = UInt32.random(in: 0 ... .max, using: &random)
            let frame = WebSocketFrame.encode(.text, compressed, isCompressed: true, mask: mask)
            let sizes = (0..<20).map { _ in Int.random(in: 1...97, using: &random) }
            #expect(Transcript(frame, chunks: sizes, allowsCompression: true).events == [.text(text)])
        }
    }

    @Test("what does not become shorter is not compressed")
    func incompressible() throws {
        var random = SplitMix(state: 9)
        let stream = try #require(DeflateStream(windowBits: 12, level: 1))
        for count in [0, 1, 4, 5, 100, 5000] {
            let noise = (0..<count).map { _ in UInt8.random(in: 0 ... .max, using: &random) }
            #expect(stream.deflate(noise[...]) == nil)
        }
        // A failure leaves nothing behind.
        let zeros = [UInt8](repeating: 0, count: 500)
        let compressed = try #require(stream.deflate(zeros[...]))
        #expect(try MessageInflater.inflate(compressed, limit: 500) == zeros)
    }

    @Test("a message is compressed once, for all loops")
    func shared() throws {
        let usual = try #require(accept("permessage-deflate"))
        let small = try #require(accept("permessage-deflate; server_max_window_bits=9"))
        let message = ServerMessage.error(
            .badRequest, message: String(repeating: "no ", count: 100), id: nil, channel: nil
        ).encoded()
        let (a, b) = (MessageDeflater(), MessageDeflater(level: 9))
        let address = { (bytes: [UInt8]) in bytes.withUnsafeBufferPointer { $0.baseAddress } }
        let frame = a.frame(of: message, for: usual)
        #expect(frame.count < message.frame.count / 2)
        #expect(address(b.frame(of: message, for: usual)) == address(frame))
        #expect(address(a.frame(of: message, for: small)) != address(frame))
        for frame in [frame, a.frame(of: message, for: small)] {
            let transcript = Transcript(frame, role: .client, allowsCompression: true)
            #expect(transcript.events == [.text(Array(message.payload))])
        }
        let short = ServerMessage.pong(id: nil).encoded()
        #expect(address(a.frame(of: short, for: usual)) == address(short.frame))
    }
}
