import Testing

@testable import DoorbellAssess

@Suite struct SegmentClassTests {
    private func looks(_ text: String) -> SegmentClass { Array(text.utf8).withUnsafeBytes { SegmentClass($0) } }

    @Test(arguments: [
        "42", "0", "1234567890123", "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV", "d41d8cd98f00b204e9800998ecf8427e", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "507f1f77bcf86cd799439011",
        "cus_9s6XKzkNRiz8i3", "ord-000123", "V1StGXR8_Z5jdHi6B-myT", "a@example.com", "~ann", "dQw4w9WgXcQ", "9f86d081",
    ]) func `identifiers are values`(text: String) { #expect(looks(text) == .identifier, "\(text)") }

    @Test(arguments: ["2026-05-28", "2026-05", "2026-05-28T10:00:00Z"]) func `dates are values`(text: String) {
        #expect(looks(text) == .date)
    }

    @Test(arguments: [
        "api", "v1", "v2", "users", "notifications", "oauth", "s3", "me", "order-items", "order_items", "well-known",
        "graphql", "deadbeef", "facade",
        "getMessages", "socket.io", "index.php", "a", "-", "_next", "i18n",
    ]) func `words are parts of routes`(text: String) { #expect(looks(text) == .literal, "\(text)") }

    @Test(arguments: ["blue-cotton-shirt", "user123", "caf%C3%A9", "page-7", "theverylongnameofsomethingelse"])
    func `what may be a name is marked`(text: String) { #expect(looks(text) == .name, "\(text)") }

    @Test func `every byte and length is taken`() {
        for length in 0...40 {
            for byte in UInt8.min...UInt8.max {
                _ = [UInt8](repeating: byte, count: length).withUnsafeBytes { (SegmentClass($0), FileEnding($0)) }
            }
        }
    }
}
