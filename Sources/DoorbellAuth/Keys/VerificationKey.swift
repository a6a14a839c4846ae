import Crypto
import CryptoExtras

/// A key and what it may be used for.
struct VerificationKey: Sendable {
    /// The `kid`; `nil`: any token that says nothing else about its key may be by this one.
    let id: String?
    /// The algorithms that the key's kind, and its `alg` where it has one, allow. Never both symmetric and asymmetric ones: that
    /// a public key is taken for a secret cannot be expressed.
    let algorithms: Set<TokenAlgorithm>
    private let material: Material

    enum Material: Sendable {
        case secret(SymmetricKey)
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)

        var algorithms: Set<TokenAlgorithm> {
            switch self {
            case .secret(let key):
                Set(TokenAlgorithm.allCases.filter { $0.isSymmetric && key.bitCount >= $0.minimumSecretLength * 8 })
            case .rsa: [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
            case .p256: [.es256]
            case .p384: [.es384]
            case .p521: [.es512]
            case .ed25519: [.eddsa]
            }
        }
    }

    /// - Parameter algorithm: The only one that the key's owner allows; `nil`: all of its kind.
    init(id: String? = nil, _ material: Material, only algorithm: TokenAlgorithm? = nil) {
        self.id = id
        self.material = material
        self.algorithms = algorithm.map { material.algorithms.intersection([$0]) } ?? material.algorithms
    }

    /// Whether `signature` is by this key. `false` for an algorithm that is not one of ``algorithms``.
    func verifies(_ signature: [UInt8], of signed: ArraySlice<UInt8>, with algorithm: TokenAlgorithm) -> Bool {
        guard algorithms.contains(algorithm) else { return false }
        switch (material, algorithm) {
        case (.secret(let key), .hs256):
            return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.secret(let key), .hs384):
            return HMAC<SHA384>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.secret(let key), .hs512):
            return HMAC<SHA512>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.rsa(let key), .rs256), (.rsa(let key), .ps256):
            return key.verifies(signature, SHA256.hash(data: signed), algorithm)
        case (.rsa(let key), .rs384), (.rsa(let key), .ps384):
            return key.verifies(signature, SHA384.hash(data: signed), algorithm)
        case (.rsa(let key), .rs512), (.rsa(let key), .ps512):
            return key.verifies(signature, SHA512.hash(data: signed), algorithm)
        case (.p256(let key), .es256):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: signed))
        case (.p384(let key), .es384):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: signed))
        case (.p521(let key), .es512):
            guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: SHA512.hash(data: signed))
        case (.ed25519(let key), .eddsa):
            return signature.count == 64 && key.isValidSignature(signature, for: signed)
        default:
            return false
        }
    }
}

extension _RSA.Signing.PublicKey {
    fileprivate func verifies(_ signature: [UInt8], _ digest: some Digest, _ algorithm: TokenAlgorithm) -> Bool {
        let padding: _RSA.Signing.Padding =
            switch algorithm {
            case .ps256, .ps384, .ps512: .PSS
            default: .insecurePKCS1v1_5
            }
        return isValidSignature(
            _RSA.Signing.RSASignature(rawRepresentation: signature), for: digest, padding: padding)
    }
}
