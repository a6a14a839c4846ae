import DoorbellCore
import Testing

@Suite struct ChannelNameTests {
    @Test("every allowed byte is allowed, and no other")
    func bytes() {
        let allowed = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.~@+=%:/#".utf8)
        for byte in 0...127 as ClosedRange<UInt8> {
            let text = "a\(Character(Unicode.Scalar(byte)))"
            #expect((ChannelName(text) != nil) == allowed.contains(byte), "\(byte)")
        }
        #expect(ChannelName("é") == nil)
        #expect(ChannelName("a\u{0301}") == nil)
    }

    @Test("1 to 255 bytes")
    func length() {
        #expect(ChannelName("") == nil)
        #expect(ChannelName("a")?.rawValue == "a")
        #expect(ChannelName(String(repeating: "a", count: 255)) != nil)
        #expect(ChannelName(String(repeating: "a", count: 256)) == nil)
    }
}
