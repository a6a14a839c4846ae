import Testing

@testable import DoorbellWire

@Suite struct WebSocketHandshakeTests {
    @Test("the accept value of RFC 6455, section 1.3")
    func accept() {
        #expect(WebSocketHandshake.accept(key: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    }

    @Test("only 16 bytes in base64 are a key")
    func keys() {
        #expect(WebSocketHandshake.isValid(key: "dGhlIHNhbXBsZSBub25jZQ=="))
        for key in [
            "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQAA", "dGhlIHNhbXBsZSBub25j!Q==",
            "dGhlIHNhbXBsZSBub25jZQ====",
        ] {
            #expect(!WebSocketHandshake.isValid(key: key))
        }
    }

    @Test("made keys are valid and differ")
    func makes() {
        var generator = SystemRandomNumberGenerator()
        let keys = (0..<50).map { _ in WebSocketHandshake.makeKey(using: &generator) }
        #expect(keys.allSatisfy(WebSocketHandshake.isValid(key:)))
        #expect(Set(keys).count == 50)
    }

    @Test(
        "SHA-1 of the RFC 3174 vectors, and around the block size",
        arguments: [
            ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
            ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (
                "0123456701234567012345670123456701234567012345670123456701234567", 10,
                "dea356a2cddd90c7a7ecedc5ebb563934f460452"
            ),
            ("a", 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
            ("a", 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
            ("a", 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        ])
    func sha1(_ text: String, _ count: Int, _ digest: String) {
        let message = Array(repeating: Array(text.utf8), count: count).flatMap { $0 }
        let hex = SHA1.hash(message).map { (byte: UInt8) in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        #expect(hex == digest)
    }

    @Test("version 1 is doorbell.v1")
    func version() {
        #expect(ProtocolVersion.current.number == 1)
        #expect(ProtocolVersion.current.subprotocol == "doorbell.v1")
    }
}
