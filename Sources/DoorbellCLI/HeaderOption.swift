import ArgumentParser

/// `--header 'Name: value'`.
enum HeaderOption {
    /// - Throws: `ValidationError` for what cannot be sent as a header (RFC 9110, section 5).
    static func validate(_ headers: [String]) throws {
        for header in headers {
            // A value may be a credential, so only the name is repeated.
            guard header.contains(":") else { throw ValidationError("--header takes 'Name: value'; it has no colon") }
            let (name, value) = split(header)
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw ValidationError(
                    "--header takes 'Name: value'; '\(name)' is no name: use ASCII letters, digits and '-'")
            }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
                throw ValidationError("--header \(name): the value must not have line breaks or control characters")
            }
        }
    }

    /// - Parameter text: As ``validate(_:)`` has found good.
    static func split(_ text: String) -> (String, String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts[1].drop { $0 == " " }.description)
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
