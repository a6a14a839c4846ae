/// The `Cookie` header as a server reads it (RFC 6265, section 4.2): `a=b; c="d"`.
///
/// Lenient about what does not concern the cookie that is looked for, because other software sets cookies too; linear in the
/// header's length.
enum CookieHeader {
    /// The values of the cookies of that name, without quotes, each text once.
    ///
    /// - Parameter headers: Every `Cookie` header: HTTP/2 may split it.
    static func values(of name: String, in headers: [String]) -> [String] {
        var values: [String] = []
        for header in headers {
            for pair in header.utf8.split(separator: 0x3B) {
                let pair = trimmed(pair)
                guard let equals = pair.firstIndex(of: 0x3D), trimmed(pair[..<equals]).elementsEqual(name.utf8) else {
                    continue
                }
                var value = trimmed(pair[pair.index(after: equals)...])
                if value.count >= 2, value.first == 0x22, value.last == 0x22 { value = value.dropFirst().dropLast() }
                let text = String(Substring(value))
                if !values.contains(where: { $0.utf8.elementsEqual(text.utf8) }) { values.append(text) }
            }
        }
        return values
    }

    /// A token's byte (RFC 9110, section 5.6.2).
    static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E, 0x5F, 0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var text = text
        while text.first == 0x20 || text.first == 0x09 { text.removeFirst() }
        while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
        return text
    }
}
