/// The certificate that the listener shows.
public struct CertificateConfiguration: Sendable {
    /// The server's certificate and those that it is signed with, in PEM, the server's first. No default.
    public var chainFile: String
    /// The private key in PEM, not encrypted. No default.
    public var keyFile: String
    /// What is spoken over TLS, best first (ALPN). Default `http/1.1` only.
    public var applicationProtocols: [String] = ["http/1.1"]
    /// The lowest version of TLS. Default 1.2.
    public var minimumVersion: Version = .v12
    /// How often ``CertificateStore/run()`` looks whether a file has changed. 1 s to 1 h, default 10 s.
    public var checkInterval: Duration = .seconds(10)

    public enum Version: String, Hashable, Sendable, CaseIterable {
        case v12 = "1.2"
        case v13 = "1.3"
    }

    public init(chainFile: String, keyFile: String) {
        self.chainFile = chainFile
        self.keyFile = keyFile
    }

    /// What is wrong, as a sentence; `nil`: nothing.
    public var problem: String? {
        if checkInterval < .seconds(1) || checkInterval > .seconds(3600) {
            return "certificates must be looked at each 1s to 1h"
        }
        // RFC 7301: 1 to 255 bytes each.
        if !applicationProtocols.allSatisfy({ (1...255).contains($0.utf8.count) }) {
            return "the name of an application protocol has 1 to 255 bytes"
        }
        return nil
    }
}
