import Crypto
import CryptoExtras
import NIOSSL

/// A public key in PEM: `PUBLIC KEY`, `RSA PUBLIC KEY` or `CERTIFICATE`.
extension KeySet {
    init(pem: [UInt8]) throws(KeyError) {
        guard let text = String(validating: pem, as: UTF8.self) else { throw KeyError("the file is not PEM text") }
        guard !text.contains("PRIVATE KEY-----") else {
            throw KeyError("this is a private key, and only the public one is needed: keep it with the issuer")
        }
        let material: VerificationKey.Material?
        if text.contains("-----BEGIN CERTIFICATE-----") {
            let der = try? NIOSSLCertificate(bytes: pem, format: .pem).extractPublicKey().toSPKIBytes()
            material = der.flatMap { Self.material(der: $0) }
        } else {
            material = Self.material(pem: text)
        }
        guard let material else {
            throw KeyError("this is no public key of RSA (2048 bits at least), P-256, P-384, P-521 or Ed25519 in PEM")
        }
        keys = [VerificationKey(material)]
    }

    private static func material(pem: String) -> VerificationKey.Material? {
        if let key = try? P256.Signing.PublicKey(pemRepresentation: pem) { return .p256(key) }
        if let key = try? P384.Signing.PublicKey(pemRepresentation: pem) { return .p384(key) }
        if let key = try? P521.Signing.PublicKey(pemRepresentation: pem) { return .p521(key) }
        if let key = try? Curve25519.Signing.PublicKey(pemRepresentation: pem) { return .ed25519(key) }
        return (try? _RSA.Signing.PublicKey(pemRepresentation: pem)).map { .rsa($0) }
    }

    private static func material(der: [UInt8]) -> VerificationKey.Material? {
        if let key = try? P256.Signing.PublicKey(derRepresentation: der) { return .p256(key) }
        if let key = try? P384.Signing.PublicKey(derRepresentation: der) { return .p384(key) }
        if let key = try? P521.Signing.PublicKey(derRepresentation: der) { return .p521(key) }
        if let key = try? Curve25519.Signing.PublicKey(derRepresentation: der) { return .ed25519(key) }
        return (try? _RSA.Signing.PublicKey(derRepresentation: der)).map { .rsa($0) }
    }
}
