/// A ticket: `ticket.` and 256 random bits in base64url.
///
/// The prefix tells it from a parameter of the same name that the legacy API has.
enum Ticket {
    static let prefix = "ticket."
    /// Bytes of randomness.
    static let size = 32
    private static let digits = (size * 8 + 5) / 6

    static func make(using generator: inout some RandomNumberGenerator) -> String {
        var bytes: [UInt8] = []
        for _ in 0..<(size / 8) {
            let word: UInt64 = generator.next()
            withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return prefix + Base64URL.encode(bytes)
    }

    static func isWellFormed(_ text: String) -> Bool {
        guard text.utf8.count == prefix.utf8.count + digits, text.hasPrefix(prefix) else { return false }
        return Base64URL.decode(text.utf8.dropFirst(prefix.utf8.count)) != nil
    }
}
