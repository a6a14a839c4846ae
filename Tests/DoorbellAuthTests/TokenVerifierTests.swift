import Crypto
import CryptoExtras
import DoorbellCore
import Testing

@testable import DoorbellAuth

@Suite struct TokenVerifierTests {
    private func check(
        _ token: String, now: Timestamp = TestToken.now, _ change: (inout TokenConfiguration) -> Void = { _ in }
    ) throws -> TokenVerifier.Check {
        var configuration = TokenConfiguration(keys: .secret(TestToken.secret))
        change(&configuration)
        return try TokenVerifier.test(configuration).check(token, now: now)
    }

    // MARK: Algorithms

    @Test("a token of each algorithm is accepted with its key and refused with another key of the kind")
    func everyAlgorithm() throws {
        let claims = Array(TestToken.claims.utf8)
        let rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let otherRSA = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let p384 = P384.Signing.PrivateKey()
        let p521 = P521.Signing.PrivateKey()
        let ed25519 = Curve25519.Signing.PrivateKey()
        let symmetric = SymmetricKey(data: TestToken.secret.bytes)
        func hash(_ algorithm: TokenAlgorithm) -> any Digest {
            switch algorithm {
            case .rs384, .ps384: SHA384.hash(data: claims)
            case .rs512, .ps512: SHA512.hash(data: claims)
            default: SHA256.hash(data: claims)
            }
        }
        let p256 = P256.Signing.PrivateKey()
        for algorithm in TokenAlgorithm.allCases {
            let signature: [UInt8]
            let key: VerificationKey
            let other: VerificationKey
            switch algorithm {
            case .hs256, .hs384, .hs512:
                signature =
                    switch algorithm {
                    case .hs256: Array(HMAC<SHA256>.authenticationCode(for: claims, using: symmetric))
                    case .hs384: Array(HMAC<SHA384>.authenticationCode(for: claims, using: symmetric))
                    default: Array(HMAC<SHA512>.authenticationCode(for: claims, using: symmetric))
                    }
                key = VerificationKey(.secret(symmetric))
                other = VerificationKey(.secret(SymmetricKey(size: .init(bitCount: 512))))
            case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512:
                let padding: _RSA.Signing.Padding =
                    algorithm.rawValue.hasPrefix("P") ? .PSS : .insecurePKCS1v1_5
                func sign(_ digest: some Digest) throws -> [UInt8] {
                    Array(try rsa.signature(for: digest, padding: padding).rawRepresentation)
                }
                signature = try sign(hash(algorithm))
                key = VerificationKey(.rsa(rsa.publicKey))
                other = VerificationKey(.rsa(otherRSA.publicKey))
            case .es384:
                signature = Array(try p384.signature(for: claims).rawRepresentation)
                key = VerificationKey(.p384(p384.publicKey))
                other = VerificationKey(.p384(P384.Signing.PrivateKey().publicKey))
            case .es256:
                signature = Array(try p256.signature(for: claims).rawRepresentation)
                key = VerificationKey(.p256(p256.publicKey))
                other = VerificationKey(.p256(P256.Signing.PrivateKey().publicKey))
            case .es512:
                signature = Array(try p521.signature(for: claims).rawRepresentation)
                key = VerificationKey(.p521(p521.publicKey))
                other = VerificationKey(.p521(P521.Signing.PrivateKey().publicKey))
            case .eddsa:
                signature = Array(try ed25519.signature(for: claims))
                key = VerificationKey(.ed25519(ed25519.publicKey))
                other = VerificationKey(.ed25519(Curve25519.Signing.PrivateKey().publicKey))
            }
            #expect(key.verifies(signature, of: claims[...], with: algorithm), "\(algorithm)")
            #expect(!other.verifies(signature, of: claims[...], with: algorithm), "\(algorithm)")
            #expect(!key.verifies(Array(signature.dropLast()), of: claims[...], with: algorithm), "\(algorithm)")
            #expect(!key.verifies([], of: claims[...], with: algorithm), "\(algorithm)")
            for wrong in TokenAlgorithm.allCases where wrong != algorithm {
                #expect(!key.verifies(signature, of: claims[...], with: wrong), "\(algorithm) as \(wrong)")
            }
        }
    }

    @Test("'alg: none' is refused however it is written, with and without a signature")
    func none() throws {
        for name in ["none", "None", "NONE", "nOnE", ""] {
            let header = #"{"alg":"\#(name)"}"#
            #expect(try check(TestToken.make(header: header) { _ in [] }).code == .algorithm)
            #expect(try check(TestToken.hs256(header: header)).code == .algorithm)
        }
    }

    @Test("a token signed with the public key as if it were a secret is refused")
    func confusion() async throws {
        let folder = try Folder()
        let key = P256.Signing.PrivateKey()
        let pem = key.publicKey.pemRepresentation
        let path = try folder.write("key.pem", pem)
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .pemFile(path)))
        #expect(verifier.check(try TestToken.es256(key), now: TestToken.now).identity != nil)
        for secret in [
            Secret(pem), Secret(Array(key.publicKey.derRepresentation)),
            Secret(Array(key.publicKey.x963Representation)),
        ] {
            #expect(verifier.check(TestToken.hs256(secret: secret), now: TestToken.now).code == .algorithm)
        }
        // Even where both kinds are accepted, the key's kind decides.
        let jwks = try folder.write("keys.json", TestToken.jwks([("a", key)]))
        var both = TokenConfiguration(keys: .jwksFile(jwks))
        both.algorithms = [.es256, .hs256]
        #expect(
            try TokenVerifier.test(both).check(TestToken.hs256(secret: Secret(pem)), now: TestToken.now).code
                == .unknownKey)
    }

    @Test("keys that a token brings along are not used")
    func embeddedKey() throws {
        let folder = try Folder()
        let key = P256.Signing.PrivateKey()
        let stranger = P256.Signing.PrivateKey()
        let path = try folder.write("keys.json", TestToken.jwks([(nil, key)]))
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .jwksFile(path)))
        let jwk = TestToken.jwks([(nil, stranger)]).dropFirst(9).dropLast(2)
        let token = try TestToken.make(
            header: #"{"alg":"ES256","jku":"https://evil.example/keys","jwk":\#(jwk)}"#
        ) { Array(try stranger.signature(for: $0).rawRepresentation) }
        #expect(verifier.check(token, now: TestToken.now).code == .signature)
    }

    // MARK: Form

    @Test("a token that was changed in any byte is refused")
    func tampered() throws {
        let token = Array(TestToken.hs256().utf8)
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .secret(TestToken.secret)))
        for index in token.indices {
            var changed = token
            changed[index] = changed[index] == 0x41 ? 0x42 : 0x41
            guard changed != token else { continue }
            let text = String(decoding: changed, as: UTF8.self)
            #expect(verifier.check(text, now: TestToken.now).identity == nil, "byte \(index)")
        }
    }

    @Test(
        "what is no signed token is refused as malformed",
        arguments: [
            "", ".", "..", "a.b", "a.b.c.d", "....", "e30.e30.", "eyJhbGciOiJIUzI1NiJ9.e30=.AAAA",
            "eyJhbGciOiJIUzI1NiJ9.e30.A", "eyJhbGciOiJIUzI1NiJ9 .e30.AAAA", "\u{0}.\u{0}.\u{0}", "é.é.é",
        ])
    func malformed(_ token: String) throws {
        #expect(try check(token).code == .malformed)
    }

    @Test(
        "headers that two readers could understand differently are refused",
        arguments: [
            #"{"alg":"HS256","alg":"none"}"#, #"{"alg":"HS256","crit":["b64"],"b64":false}"#,
            #"{"alg":"HS256","typ":"logout+jwt"}"#, #"{"alg":["HS256"]}"#, #"{"alg":"HS256"} x"#, "[]", "{}",
            #"{"alg":"HS256","kid":7}"#,
        ])
    func headers(_ header: String) throws {
        #expect(try check(TestToken.hs256(header: header)).code == .malformed)
    }

    @Test("'typ' may be 'JWT' or 'at+jwt', in any case")
    func types() throws {
        for type in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
            #expect(try check(TestToken.hs256(header: #"{"alg":"HS256","typ":"\#(type)"}"#)).identity != nil)
        }
    }

    @Test("a token beyond the size is not looked at")
    func size() throws {
        let padding = String(repeating: "x", count: 8 << 10)
        #expect(try check(TestToken.hs256(#"{"sub":"\#(padding)","exp":1700000060}"#)).code == .tooLong)
        #expect(try check(TestToken.hs256()) { $0.maximumTokenSize = 256 }.identity != nil)
    }

    // MARK: Claims

    @Test(
        "times, with a clock skew of 30 s",
        arguments: [
            (#""exp":1700000000"#, nil), (#""exp":1699999970"#, TokenError.Code.expired),
            (#""exp":1699999970.5"#, nil), (#""exp":1699999971"#, nil), (#""exp":0"#, .expired),
            (#""exp":1e300"#, nil), (#""exp":-1e300"#, .expired), (#""exp":"1700000060""#, .malformed),
            (#""exp":null"#, .malformed), (#""iat":1"#, .claim),
            (#""exp":1700000060,"nbf":1700000030"#, nil), (#""exp":1700000060,"nbf":1700000031"#, .notYetValid),
            (#""exp":1700000060,"iat":1700000030"#, nil), (#""exp":1700000060,"iat":1700000031"#, .notYetValid),
            (#""exp":1700000060,"exp":1800000060"#, .malformed),
        ])
    func times(_ claims: String, _ code: TokenError.Code?) throws {
        #expect(try check(TestToken.hs256(#"{"sub":"ann",\#(claims)}"#)).code == code)
    }

    @Test("a user with U+0000 in its name is nobody: the database has no such text")
    func nul() throws {
        #expect(try check(TestToken.hs256(#"{"sub":"a\u0000b","exp":1700000060}"#)).code == .claim)
    }

    @Test(
        "issuer and audience",
        arguments: [
            (#""iss":"https://id""#, ["https://id"], [], nil),
            ("\"iss\":\"x\"", ["https://id"], [], TokenError.Code.issuer),
            ("\"a\":1", ["https://id"], [], .issuer), ("\"iss\":\"x\"", [], [], nil),
            ("\"aud\":\"app\"", [], ["app"], nil), (#""aud":["x","app"]"#, [], ["app"], nil),
            (#""aud":["x"]"#, [], ["app"], .audience), ("\"a\":1", [], ["app"], .audience),
            ("\"aud\":\"app\"", [], [], .audience), ("\"aud\":[]", [], ["app"], .audience),
            ("\"aud\":7", [], ["app"], .malformed), ("\"iss\":7", [], [], .malformed),
        ] as [(String, [String], [String], TokenError.Code?)])
    func parties(_ claims: String, _ issuers: [String], _ audiences: [String], _ code: TokenError.Code?) throws {
        let token = TestToken.hs256(#"{"sub":"ann","exp":1700000060,\#(claims)}"#)
        let result = try check(token) {
            $0.issuers = issuers
            $0.audiences = audiences
        }
        #expect(result.code == code)
    }

    @Test("the identity has the subject, the end with the skew, the channels and the presence")
    func identity() throws {
        let token = TestToken.hs256(
            #"{"exp":1700000060,"user":{"id":42,"card":{"name":"Ann"}},"may":["user:42:**","news"]}"#)
        let identity = try #require(
            try check(token) {
                $0.subjectClaim = "user.id"
                $0.channelsClaim = "may"
                $0.presenceClaim = "user.card"
            }.identity)
        #expect(identity.subject == "42")
        #expect(identity.expiresAt == TestToken.at(1_700_000_090))
        #expect(identity.channels.map(\.source) == ["user:42:**", "news"])
        #expect(identity.presence.map { String(decoding: $0, as: UTF8.self) } == #"{"name":"Ann"}"#)
        for claim in ["user", "may", "none"] { #expect(try check(token) { $0.subjectClaim = claim }.code == .claim) }
        #expect(try check(token).code == .claim)
        let broken = TestToken.hs256(#"{"sub":"a","exp":1700000060,"may":["a b"]}"#)
        #expect(try check(broken) { $0.channelsClaim = "may" }.code == .claim)
    }

    // MARK: Memory

    @Test("a verified token is remembered by its hash until it expires, and the oldest leaves")
    func memory() throws {
        var tokens = VerifiedTokens(maximumCount: 2, maximumBytes: 1000)
        func identity(_ end: Double, _ size: Int = 10) -> Identity {
            Identity(
                subject: "a", expiresAt: TestToken.at(end), claims: Claims(json: Array(repeating: 0x20, count: size)))
        }
        let digests = (0..<4).map { VerifiedTokens.digest(of: [UInt8($0)]) }
        tokens.insert(identity(100), digests[0], now: TestToken.at(10))
        tokens.insert(identity(50), digests[1], now: TestToken.at(10))
        #expect(tokens.find(digests[1], now: TestToken.at(49.9)) != nil)
        #expect(tokens.find(digests[1], now: TestToken.at(50)) == nil)
        #expect(tokens.find(digests[0], now: TestToken.at(9)) == nil)
        tokens.insert(identity(100), digests[2], now: TestToken.at(20))
        #expect(tokens.find(digests[0], now: TestToken.at(20)) == nil)
        #expect(tokens.count == 2)
        tokens.prune(now: TestToken.at(60))
        #expect(tokens.count == 1)
        tokens.insert(identity(100, 995), digests[3], now: TestToken.at(60))
        #expect(tokens.count == 1 && tokens.bytes == 995)
        tokens.insert(identity(100, 1001), digests[0], now: TestToken.at(60))
        #expect(tokens.find(digests[0], now: TestToken.at(60)) == nil)
        tokens.removeAll()
        #expect(tokens.count == 0 && tokens.bytes == 0)
    }

    @Test("a remembered token is refused once it has expired")
    func rememberedExpiry() throws {
        let verifier = try TokenVerifier.test(TokenConfiguration(keys: .secret(TestToken.secret)))
        let token = TestToken.hs256()
        #expect(verifier.check(token, now: TestToken.now).identity != nil)
        #expect(verifier.state.withLock { $0.cache.count } == 1)
        #expect(verifier.check(token, now: TestToken.at(1_700_000_089)).identity != nil)
        #expect(verifier.check(token, now: TestToken.at(1_700_000_090)).code == .expired)
    }

    // MARK: Configuration

    @Test("wrong configurations are refused with a sentence, and nothing secret is in it")
    func configurations() throws {
        func problem(_ keys: TokenConfiguration.KeySource, _ algorithms: Set<TokenAlgorithm> = []) -> String? {
            var configuration = TokenConfiguration(keys: keys)
            configuration.algorithms = algorithms
            return configuration.problem
        }
        #expect(problem(.secret(Secret("hunter2hunter2"))) == "the secret has 14 bytes and needs 32 at least")
        #expect(
            problem(.secret(Secret(Array(repeating: 1, count: 32))), [.hs512])
                == "the secret has 32 bytes and needs 64 at least")
        #expect(problem(.secret(TestToken.secret), [.rs256]) == "RS256 needs a public key, not a secret")
        #expect(problem(.pemFile("/k"), [.hs256]) == "HS256 needs a secret, not a public key")
        #expect(problem(.jwksURL(.init("https://id/keys")), [.hs256]) == "HS256 needs a secret, not a public key")
        #expect(problem(.jwksURL(.init("http://id/keys")))?.contains("https://") == true)
        #expect(problem(.jwksURL(.init("https://u:hunter2@id/keys")))?.contains("hunter2") == false)
        #expect(problem(.jwksURL(.init("http://localhost:80@evil/keys"))) != nil)
        #expect(problem(.jwksURL(.init("http://localhost.evil/keys"))) != nil)
        for url in ["https://id/keys", "http://localhost:8080/keys", "http://127.0.0.1/k", "http://[::1]:1/k"] {
            #expect(problem(.jwksURL(.init(url))) == nil)
        }
        #expect(throws: DoorbellError.self) {
            try TokenVerifier.test(TokenConfiguration(keys: .pemFile("/nonexistent/key.pem")))
        }
        #expect(throws: DoorbellError.self) {
            try TokenVerifier.test(TokenConfiguration(keys: .jwksURL(.init("https://id/keys"))))
        }
    }
}
