import Crypto
import CryptoExtras
import DoorbellCore

/// JSON Web Key Sets (RFC 7517; RFC 7518, section 6; RFC 8037).
extension KeySet {
    private static let maximumKeys = 100
    /// Bytes; an RSA modulus beyond this makes a signature expensive.
    private static let maximumModulus = 1024

    /// An entry as it is written; what is not a string counts as missing.
    private struct Entry {
        var members: [String: String] = [:]
        var operations: [String]?

        subscript(name: String) -> String? { members[name] }

        func bytes(_ name: String) -> [UInt8]? { members[name].flatMap { Base64URL.decode($0.utf8) } }
    }

    /// Entries that cannot be used are left out and counted, because sets also hold keys for other uses.
    ///
    /// - Parameter allowsSecrets: Whether `oct` keys are taken.
    init(jwks json: [UInt8], allowsSecrets: Bool) throws(KeyError) {
        var entries: [Entry]?
        do throws(JSONError) {
            var scanner = JSONScanner(json)
            try scanner.object { (key, scanner) throws(JSONError) in
                guard key == "keys", entries == nil else { return _ = try scanner.skipValue() }
                var list: [Entry] = []
                try scanner.array { (scanner) throws(JSONError) in list.append(try Self.entry(&scanner)) }
                entries = list
            }
            try scanner.end()
        } catch {
            throw KeyError("this is not a JSON Web Key Set")
        }
        guard let entries else { throw KeyError("the key set has no 'keys'") }
        guard entries.count <= Self.maximumKeys else {
            throw KeyError("the key set has more than \(Self.maximumKeys) keys")
        }
        keys = entries.compactMap { Self.key($0, allowsSecrets: allowsSecrets) }
        skipped = entries.count - keys.count
        guard !keys.isEmpty else { throw KeyError("the key set has no key that tokens could be verified with") }
    }

    private static func entry(_ scanner: inout JSONScanner) throws(JSONError) -> Entry {
        var entry = Entry()
        try scanner.object { (key, scanner) throws(JSONError) in
            if scanner.peek() == 0x22 {
                entry.members[key] = try scanner.string()
            } else if key == "key_ops", scanner.peek() == 0x5B {
                var operations: [String] = []
                try scanner.array { (scanner) throws(JSONError) in operations.append(try scanner.string()) }
                entry.operations = operations
            } else {
                try scanner.skipValue()
            }
        }
        return entry
    }

    private static func key(_ entry: Entry, allowsSecrets: Bool) -> VerificationKey? {
        if let use = entry["use"], use != "sig" { return nil }
        if let operations = entry.operations, !operations.contains("verify") { return nil }
        var algorithm: TokenAlgorithm?
        if let name = entry["alg"] {
            guard let known = TokenAlgorithm(rawValue: name) else { return nil }
            algorithm = known
        }
        guard let material = material(entry, allowsSecrets: allowsSecrets) else { return nil }
        let key = VerificationKey(id: entry["kid"], material, only: algorithm)
        return key.algorithms.isEmpty ? nil : key
    }

    private static func material(_ entry: Entry, allowsSecrets: Bool) -> VerificationKey.Material? {
        switch (entry["kty"], entry["crv"]) {
        case ("oct", _):
            guard allowsSecrets, let bytes = entry.bytes("k") else { return nil }
            return .secret(SymmetricKey(data: bytes))
        case ("RSA", _):
            guard let modulus = entry.bytes("n"), let exponent = entry.bytes("e"), modulus.count <= maximumModulus
            else { return nil }
            return (try? _RSA.Signing.PublicKey(n: modulus, e: exponent)).map { .rsa($0) }
        case ("EC", "P-256"):
            return point(entry).flatMap { try? P256.Signing.PublicKey(x963Representation: $0) }.map { .p256($0) }
        case ("EC", "P-384"):
            return point(entry).flatMap { try? P384.Signing.PublicKey(x963Representation: $0) }.map { .p384($0) }
        case ("EC", "P-521"):
            return point(entry).flatMap { try? P521.Signing.PublicKey(x963Representation: $0) }.map { .p521($0) }
        case ("OKP", "Ed25519"):
            return entry.bytes("x").flatMap { try? Curve25519.Signing.PublicKey(rawRepresentation: $0) }
                .map { .ed25519($0) }
        default:
            return nil
        }
    }

    /// The uncompressed form; the key's initialiser checks that the point is on its curve.
    private static func point(_ entry: Entry) -> [UInt8]? {
        guard let x = entry.bytes("x"), let y = entry.bytes("y"), x.count == y.count else { return nil }
        return [0x04] + x + y
    }
}
