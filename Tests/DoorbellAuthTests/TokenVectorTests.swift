import DoorbellCore
import Foundation
import Testing

@testable import DoorbellAuth

/// Tokens that others have made: the RFCs' examples, and OpenSSL.
@Suite struct TokenVectorTests {
    /// When the tokens of RFC 7515 were good: their `exp` is 1300819380. They have no `sub`.
    private func configuration(_ keys: TokenConfiguration.KeySource, _ algorithm: TokenAlgorithm) -> TokenConfiguration
    {
        var configuration = TokenConfiguration(keys: keys)
        configuration.algorithms = [algorithm]
        configuration.issuers = ["joe"]
        configuration.subjectClaim = "iss"
        return configuration
    }

    private static let payload =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    private static let then = TestToken.at(1_300_819_000)

    @Test("the HS256 example of RFC 7515, appendix A.1")
    func hs256() throws {
        let secret = try #require(
            Secret(
                base64URL:
                    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
        let verifier = try TokenVerifier.test(configuration(.secret(secret), .hs256))
        let token =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\(Self.payload).dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        let identity = try #require(verifier.check(token, now: Self.then).identity)
        #expect(identity.subject == "joe")
        #expect(identity.expiresAt == TestToken.at(1_300_819_410))
        #expect(identity.claims.texts("http://example.com/is_root") == ["true"])
    }

    @Test("the ES256 example of RFC 7515, appendix A.3")
    func es256() throws {
        let folder = try Folder()
        let path = try folder.write(
            "keys.json",
            #"{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#
        )
        let verifier = try TokenVerifier.test(configuration(.jwksFile(path), .es256))
        let token =
            "eyJhbGciOiJFUzI1NiJ9.\(Self.payload)"
            + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
        #expect(verifier.check(token, now: Self.then).identity?.subject == "joe")
    }

    @Test("the EdDSA example of RFC 8037, appendix A.4")
    func eddsa() throws {
        let keys = try KeySet(
            jwks: Array(
                #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#.utf8),
            allowsSecrets: false)
        let token = try CompactToken(
            Array(
                ("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
                    + ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg").utf8))
        #expect(token.algorithm == .eddsa)
        #expect(keys.keys[0].verifies(token.signature, of: token.signed, with: .eddsa))
        #expect(!keys.keys[0].verifies(token.signature.reversed(), of: token.signed, with: .eddsa))
    }

    @Test(
        "what OpenSSL signs is accepted with the key in PEM, and nothing else that the key was not meant for",
        arguments: [
            (TokenAlgorithm.rs256, "RSA", "SHA256"), (.rs384, "RSA", "SHA384"), (.rs512, "RSA", "SHA512"),
            (.ps256, "RSA", "SHA256"), (.ps512, "RSA", "SHA512"), (.eddsa, "ED25519", ""),
        ])
    func fromOpenSSL(_ algorithm: TokenAlgorithm, _ kind: String, _ digest: String) async throws {
        let folder = try Folder()
        try await openssl("genpkey", "-algorithm", kind, "-out", folder.file("key.pem"))
        try await openssl("pkey", "-in", folder.file("key.pem"), "-pubout", "-out", folder.file("public.pem"))
        let signed =
            Base64URL.encode(#"{"alg":"\#(algorithm.rawValue)"}"#.utf8) + "."
            + Base64URL.encode(TestToken.claims.utf8)
        try folder.write("signed", signed)
        let signature: Data
        if algorithm == .eddsa {
            signature = try await openssl(
                "pkeyutl", "-sign", "-inkey", folder.file("key.pem"), "-rawin", "-in", folder.file("signed"))
        } else if algorithm.rawValue.hasPrefix("PS") {
            signature = try await openssl(
                "dgst", "-\(digest.lowercased())", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                "rsa_pss_saltlen:digest",
                "-sign", folder.file("key.pem"), folder.file("signed"))
        } else {
            signature = try await openssl(
                "dgst", "-\(digest.lowercased())", "-sign", folder.file("key.pem"), folder.file("signed"))
        }
        let token = signed + "." + Base64URL.encode(signature)
        var configuration = TokenConfiguration(keys: .pemFile(folder.file("public.pem")))
        configuration.algorithms = [algorithm]
        #expect(try TokenVerifier.test(configuration).check(token, now: TestToken.now).identity?.subject == "ann")
        guard kind == "RSA" else { return }
        // The same key, and an algorithm that the configuration does not name.
        configuration.algorithms = [algorithm == .rs256 ? .ps256 : .rs256]
        #expect(try TokenVerifier.test(configuration).check(token, now: TestToken.now).code == .algorithm)
    }

    @Test("a certificate in PEM is as good as its key, and a private key is refused without being shown")
    func pem() async throws {
        let folder = try Folder()
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=issuer", "-keyout", folder.file("key.pem"), "-out", folder.file("cert.pem"))
        let certificate = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("cert.pem"))))
        #expect(try KeySet(pem: certificate).keys[0].algorithms == [.es256])
        let key = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("key.pem"))))
        #expect(throws: KeyError("this is a private key, and only the public one is needed: keep it with the issuer")) {
            try KeySet(pem: key)
        }
        for text in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "ssh-rsa AAAA"] {
            #expect(throws: KeyError.self) { try KeySet(pem: Array(text.utf8)) }
        }
    }
}
