/// The host and port of a URL, between its scheme and its path: `127.0.0.1:3000`, `[::1]:3000`, `api.example`.
public struct URLAuthority: Hashable, Sendable {
    /// A name or an address, without brackets; never empty.
    public let host: String
    /// 1 to 65,535; `nil`: that of the scheme.
    public let port: Int?

    /// What is wrong with it, to be put behind "it". Never quotes the text, which may hold a password.
    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: ``SyntaxError`` also for a user or a password.
    public init(_ text: Substring) throws(SyntaxError) {
        guard !text.contains("@") else { throw SyntaxError(description: "must not have a user or a password") }
        var host = text
        var digits: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw SyntaxError(description: "has an IPv6 address whose bracket is not closed")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else {
                throw SyntaxError(description: "has something other than a port behind its IPv6 address")
            }
            digits = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"), host.utf8.allSatisfy(Self.isAddress) else {
                throw SyntaxError(description: "has something other than an IPv6 address in its brackets")
            }
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            digits = text[text.index(after: colon)...]
            guard digits?.contains(":") == false else {
                throw SyntaxError(description: "has more than one port; write an IPv6 address in brackets, [::1]")
            }
        }
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }),
            !host.contains(where: { "\\\"<>^`{|}".contains($0) })
        else { throw SyntaxError(description: "has no host, or one that is none") }
        guard let digits else {
            self.init(host: String(host), port: nil)
            return
        }
        guard digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(digits), port > 0 else {
            throw SyntaxError(description: "has a port that is not a number from 1 to 65535")
        }
        self.init(host: String(host), port: Int(port))
    }

    private init(host: String, port: Int?) {
        self.host = host
        self.port = port
    }

    /// Hexadecimal digits, colons, and the dots of an IPv4 address at the end.
    private static func isAddress(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x2E, 0x30...0x3A, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}
