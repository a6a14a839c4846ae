import DoorbellCore

/// A host and a port to listen on: `0.0.0.0:8080`, `[::1]:8080`, `localhost:8080`; `:8080` means every address.
public struct ListenAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name or an address, without brackets.
    public let host: String
    /// 0 to 65,535; 0 lets the system choose.
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    public struct SyntaxError: Error, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// - Throws: ``SyntaxError``, with a sentence that says what is wrong with the text.
    public init(_ text: String) throws(SyntaxError) {
        guard let colon = text.lastIndex(of: ":") else {
            throw SyntaxError(description: "'\(text)' is not 'host:port'")
        }
        let digits = text[text.index(after: colon)...]
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw SyntaxError(
                description: "'\(text)' is not 'host:port'; write an IPv6 address in brackets, '[::1]:8080'")
        }
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
            throw SyntaxError(description: "'\(text)' is not 'host:port'")
        }
        guard let port = Int(digits), port <= 65_535 else {
            throw SyntaxError(description: "the port \(digits) is not from 0 to 65535")
        }
        self.init(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension ListenAddress {
    /// The same host with the port that the system chose.
    func with(port: Int?) -> ListenAddress { ListenAddress(host: host, port: port ?? self.port) }

    /// How a program on this machine reaches it: an address that stands for all becomes loopback.
    public var reachable: ListenAddress {
        switch host {
        case "0.0.0.0": ListenAddress(host: "127.0.0.1", port: port)
        case "::": ListenAddress(host: "::1", port: port)
        default: self
        }
    }
}

extension ListenAddress {
    /// Whether only programs on this machine reach it.
    var isLoopback: Bool {
        let host = host.lowercased()
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

extension ListenAddress {
    /// Whether a client of this `http` or `https` URL on this machine gets here, as far as can be told without asking for names.
    public func isReached(by url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://"),
            let authority = try? URLAuthority(url[scheme.upperBound...].prefix { $0 != "/" }),
            authority.port ?? (url.lowercased().hasPrefix("https:") ? 443 : 80) == port
        else { return false }
        let own = host.lowercased()
        let asked = ListenAddress(host: authority.host.lowercased(), port: port)
        // As a destination, the address that stands for all is this machine.
        let isLocal = asked.isLoopback || asked != asked.reachable
        switch own {
        case "::": return isLocal
        case "0.0.0.0": return isLocal && !asked.host.contains(":")
        case "localhost", "127.0.0.1": return ["localhost", "127.0.0.1"].contains(asked.reachable.host)
        default: return asked.reachable.host == own
        }
    }
}
