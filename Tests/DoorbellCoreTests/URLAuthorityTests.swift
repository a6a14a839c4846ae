import DoorbellCore
import Testing

@Suite struct URLAuthorityTests {
    @Test(
        arguments: [
            ("api", "api", nil), ("127.0.0.1:3000", "127.0.0.1", 3000), ("[::1]", "::1", nil), ("[::1]:1", "::1", 1),
            ("[::ffff:10.0.0.1]:65535", "::ffff:10.0.0.1", 65535), ("a-b.example:080", "a-b.example", 80),
        ] as [(String, String, Int?)])
    func `a host and its port are told apart`(text: String, host: String, port: Int?) throws {
        let authority = try URLAuthority(text[...])
        #expect(authority.host == host && authority.port == port)
    }

    @Test(arguments: [
        ("api:65536", "a port"), ("api:0", "a port"), ("api:", "a port"), ("api:abc", "a port"), ("api:-1", "a port"),
        ("api:+1", "a port"), ("api:99999999999999999999", "a port"), ("[::1", "not closed"), ("[::1]x", "behind"),
        ("[api]", "brackets"), ("::1", "brackets"), ("", "no host"), (":80", "no host"), ("a b", "no host"),
        ("[]", "brackets"), ("[::1]:", "a port"), ("u:secretpw@api", "password"), ("pa@ss@api", "password"),
    ])
    func `what is none is refused, and never repeated`(text: String, word: String) {
        let error = #expect(throws: URLAuthority.SyntaxError.self) { try URLAuthority(text[...]) }
        #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("secretpw") == false)
    }
}
