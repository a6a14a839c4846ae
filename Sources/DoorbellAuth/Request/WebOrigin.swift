/// An origin (RFC 6454): scheme, host and port, in lower case and with the scheme's own port filled in.
///
/// Parsed strictly, as browsers serialise it: no path, no user, no white space, a host in ASCII. Two spellings of one origin are
/// equal; whatever is spelt in no way a browser would is no origin.
struct WebOrigin: Hashable, Sendable {
    let scheme: String
    /// A name, an IPv4 address or an IPv6 address in brackets.
    let host: String
    /// `nil` where the scheme has no port of its own and none is written (`capacitor://localhost`).
    let port: Int?

    static let maximumLength = 512

    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, let end = text.range(of: "://") else { return nil }
        let scheme = text[..<end.lowerBound].lowercased()
        guard Self.isScheme(scheme), let authority = Authority(text[end.upperBound...]) else { return nil }
        self.scheme = scheme
        host = authority.host
        port = authority.port ?? Self.defaultPort(scheme)
    }

    static func defaultPort(_ scheme: String) -> Int? {
        switch scheme {
        case "http": 80
        case "https": 443
        default: nil
        }
    }

    /// RFC 3986, section 3.1.
    private static func isScheme(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x61...0x7A, 0x2B, 0x2D, 0x2E: true
            default: false
            }
        }
    }

    /// A host and a port as they stand in an origin or in the `Host` header.
    struct Authority {
        let host: String
        let port: Int?

        init?(_ text: some StringProtocol) {
            let text = text.lowercased()
            let bytes = Array(text.utf8)
            let hostEnd: Int
            if bytes.first == 0x5B {
                guard let bracket = bytes.firstIndex(of: 0x5D) else { return nil }
                guard bytes[1..<bracket].count >= 2, bytes[1..<bracket].allSatisfy(Self.isAddressByte) else {
                    return nil
                }
                hostEnd = bracket + 1
            } else {
                hostEnd = bytes.firstIndex(of: 0x3A) ?? bytes.count
                let labels = bytes[..<hostEnd].split(separator: 0x2E, omittingEmptySubsequences: false)
                guard labels.allSatisfy({ !$0.isEmpty && $0.count <= 63 && $0.allSatisfy(Self.isNameByte) }) else {
                    return nil
                }
            }
            host = String(decoding: bytes[..<hostEnd], as: UTF8.self)
            guard hostEnd < bytes.count else {
                port = nil
                return
            }
            let digits = bytes[(hostEnd + 1)...]
            guard bytes[hostEnd] == 0x3A, (1...5).contains(digits.count),
                digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), digits.first != 0x30,
                let port = Int(String(decoding: digits, as: UTF8.self)), port <= 65_535
            else { return nil }
            self.port = port
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x61...0x7A, 0x2D, 0x5F: true
            default: false
            }
        }

        /// Of an IPv6 address; the kernel is not asked whether it is one.
        private static func isAddressByte(_ byte: UInt8) -> Bool {
            switch byte {
            case 0x30...0x39, 0x61...0x66, 0x3A, 0x2E: true
            default: false
            }
        }
    }
}

extension String {
    /// The first place of `needle`, by bytes.
    fileprivate func range(of needle: String) -> Range<Index>? {
        var start = utf8.startIndex
        while let first = utf8[start...].firstIndex(of: needle.utf8.first ?? 0) {
            if utf8[first...].starts(with: needle.utf8) {
                return first..<utf8.index(first, offsetBy: needle.utf8.count)
            }
            start = utf8.index(after: first)
        }
        return nil
    }
}
