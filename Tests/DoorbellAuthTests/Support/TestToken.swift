import Crypto
import CryptoExtras
import DoorbellCore

@testable import DoorbellAuth

/// Makes tokens by hand, wrong ones too.
enum TestToken {
    /// 2023-11-14T22:13:20Z
    static let now = Timestamp(microseconds: 1_700_000_000_000_000)
    static let secret = Secret("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")

    static func at(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64(seconds * 1e6)) }

    /// Claims that last until 60 s after ``now``.
    static let claims = #"{"sub":"ann","exp":1700000060}"#

    static func make(header: String, claims: String = claims, sign: ([UInt8]) throws -> [UInt8]) rethrows -> String {
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(claims.utf8)
        return signed + "." + Base64URL.encode(try sign(Array(signed.utf8)))
    }

    static func hs256(
        _ claims: String = claims, header: String = #"{"alg":"HS256"}"#, secret: Secret = secret
    ) -> String {
        make(header: header, claims: claims) { signed in
            Array(HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret.bytes)))
        }
    }

    static func es256(_ key: P256.Signing.PrivateKey, id: String? = nil, claims: String = claims) throws -> String {
        let header = id.map { #"{"alg":"ES256","kid":"\#($0)"}"# } ?? #"{"alg":"ES256"}"#
        return try make(header: header, claims: claims) { Array(try key.signature(for: $0).rawRepresentation) }
    }

    /// A set with P-256 keys.
    static func jwks(_ keys: [(id: String?, key: P256.Signing.PrivateKey)]) -> String {
        let entries = keys.map { id, key in
            let point = Array(key.publicKey.x963Representation)
            let name = id.map { #""kid":"\#($0)","# } ?? ""
            return #"{"kty":"EC","crv":"P-256",\#(name)"x":"\#(Base64URL.encode(point[1..<33]))","#
                + #""y":"\#(Base64URL.encode(point[33...]))"}"#
        }
        return #"{"keys":[\#(entries.joined(separator: ","))]}"#
    }
}

extension TokenVerifier.Check {
    var identity: Identity? { if case .verified(let identity) = self { identity } else { nil } }

    /// `nil` when the token was accepted.
    var code: TokenError.Code? {
        switch self {
        case .verified: nil
        case .refused(let error), .waitsForKeys(let error): error.code
        }
    }
}
