import Crypto

/// Makes tokens with a shared secret (RFC 7519, RFC 7515), for trying things out: `doorbell token`. The service itself never makes any.
public struct TokenSigner: Sendable {
    private let secret: Secret
    private let algorithm: TokenAlgorithm

    /// `nil` where the keys are somebody else's: only their issuer can sign.
    public init?(_ configuration: TokenConfiguration) {
        guard case .secret(let secret) = configuration.keys,
            let algorithm = TokenAlgorithm.allCases.first(where: {
                $0.isSymmetric && configuration.acceptedAlgorithms.contains($0)
            })
        else { return nil }
        self.secret = secret
        self.algorithm = algorithm
    }

    /// - Parameter claims: A JSON object.
    public func token(claims: [UInt8]) -> String {
        let head = Array(#"{"alg":"\#(algorithm.rawValue)","typ":"JWT"}"#.utf8)
        let signed = Base64URL.encode(head) + "." + Base64URL.encode(claims)
        let key = SymmetricKey(data: secret.bytes)
        let message = Array(signed.utf8)
        let signature =
            switch algorithm {
            case .hs512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
            case .hs384: Array(HMAC<SHA384>.authenticationCode(for: message, using: key))
            default: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
            }
        return signed + "." + Base64URL.encode(signature)
    }
}
