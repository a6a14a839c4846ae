import DoorbellCore
import Testing

@testable import DoorbellAuth

@Suite struct ChannelRightsTests {
    private func identity(_ claims: String, channels: [String] = []) -> Identity {
        Identity(
            subject: "ann", expiresAt: TestToken.at(100), claims: Claims(json: Array(claims.utf8)),
            channels: channels.compactMap { ChannelPattern($0) })
    }

    private func feature(_ authorize: Feature.Authorization, _ templates: String...) throws -> Feature {
        Feature(
            name: "f", poll: try PollPattern("GET /users/{user_id}"),
            tables: try templates.map {
                Feature.TableRule(
                    table: try #require(QualifiedName("public.t")), channel: .template(try ChannelTemplate($0)))
            }, authorize: authorize)
    }

    private func decide(_ feature: Feature, _ channel: String, _ identity: Identity?) throws -> ChannelRights.Decision {
        ChannelRights.decide(feature, try #require(ChannelName(channel)), identity)
    }

    @Test("public is open, poll asks the legacy API, and claims need a token")
    func rules() throws {
        let ann = identity(#"{"sub":"ann"}"#)
        #expect(try decide(feature(.public, "user:{user_id}"), "user:ann", nil) == .allowed)
        #expect(try decide(feature(.poll, "user:{user_id}"), "user:ann", nil) == .ask)
        #expect(try decide(feature(.poll, "user:{user_id}"), "user:ann", ann) == .ask)
        let claims = try feature(.claims([.init(name: "user_id", claim: "sub")]), "user:{user_id}")
        #expect(try decide(claims, "user:ann", nil) == .refused(.unauthenticated))
        #expect(try decide(claims, "user:ann", ann) == .allowed)
        #expect(try decide(claims, "user:bob", ann) == .refused(.claim))
        #expect(try decide(claims, "other:ann", ann) == .refused(.unknownChannel))
        #expect(try decide(feature(.claims([]), "user:{user_id}"), "user:ann", ann) == .refused(.claim))
    }

    @Test(
        "a value is equal to a claim byte for byte, in a list to one of its elements",
        arguments: [
            (#"{"o":"42"}"#, true), (#"{"o":42}"#, true), (#"{"o":[1,42]}"#, true), (#"{"o":["x","42"]}"#, true),
            (#"{"o":42.0}"#, false), (#"{"o":4.2e1}"#, false), (#"{"o":"042"}"#, false), (#"{"o":" 42"}"#, false),
            (#"{"o":null}"#, false), (#"{"o":{"42":1}}"#, false), (#"{"o":[[42]]}"#, false), (#"{"o":[]}"#, false),
            (#"{"o":1,"o":42}"#, false), (#"{"p":42}"#, false), ("{}", false),
        ])
    func values(_ claims: String, _ isAllowed: Bool) throws {
        let feature = try feature(.claims([.init(name: "org", claim: "o")]), "org:{org}")
        #expect(try decide(feature, "org:42", identity(claims)) == (isAllowed ? .allowed : .refused(.claim)))
    }

    @Test("claims are found by path, and a claim of the whole name comes first")
    func paths() {
        let claims = Claims(
            json: Array(#"{"a":{"b":{"c":"deep"}},"a.b":"flat","https://x/r":["1",true,null,{}]}"#.utf8))
        #expect(claims.texts("a.b.c") == ["deep"])
        #expect(claims.texts("a.b") == ["flat"])
        #expect(claims.texts("https://x/r") == ["1", "true"])
        for path in ["a", "", ".", "a.", ".a", "a.b.c.d", "z"] { #expect(claims.texts(path) == [], "\(path)") }
    }

    @Test("two spellings of one Unicode text are two users, whatever Swift says")
    func unicode() throws {
        let feature = try feature(.claims([.init(name: "user_id", claim: "sub")]), "user:{user_id}")
        #expect(try decide(feature, "user:e%CC%81", identity(#"{"sub":"\u00e9"}"#)) == .refused(.claim))
        #expect(try decide(feature, "user:%C3%A9", identity(#"{"sub":"\u00e9"}"#)) == .allowed)
    }

    @Test("every name has to be right, in every template that the channel may come from")
    func ambiguous() throws {
        let rules: [Feature.ClaimRule] = [.init(name: "org", claim: "org"), .init(name: "user", claim: "sub")]
        let two = try feature(.claims(rules), "o:{org}:{user}")
        let ann = identity(#"{"sub":"ann","org":"acme"}"#)
        #expect(try decide(two, "o:acme:ann", ann) == .allowed)
        #expect(try decide(two, "o:acme:bob", ann) == .refused(.claim))
        #expect(try decide(two, "o:other:ann", ann) == .refused(.claim))
        let overlapping = try feature(.claims(rules), "o:{org}:{user}", "o:{user}:{org}")
        #expect(try decide(overlapping, "o:acme:ann", ann) == .refused(.claim))
        #expect(try decide(overlapping, "o:x:x", identity(#"{"sub":"x","org":"x"}"#)) == .allowed)
    }

    @Test("a token's own channels are allowed, and others follow the feature's rule")
    func channels() throws {
        let ann = identity(#"{"sub":"ann"}"#, channels: ["news", "user:*:orders"])
        let poll = try feature(.poll, "user:{user_id}:orders")
        #expect(try decide(poll, "user:7:orders", ann) == .allowed)
        #expect(try decide(poll, "user:7:bills", ann) == .ask)
    }

    @Test(
        "channel patterns",
        arguments: [
            ("a", "a", true), ("a", "b", false), ("a:*", "a:b", true), ("a:*", "a:b:c", false), ("a:*", "a", false),
            ("a:**", "a:b", true), ("a:**", "a:b:c/d", true), ("a:**", "a", false), ("**", "a:b", true),
            ("*", "a", true), ("*", "a:b", false), ("a/*", "a:b", false), ("*:b", "a:b", true),
            ("a:*:c", "a:b:c", true),
            ("a:*:c", "a:b:d", false), ("a:b", "a:bc", false), ("a:**", "ab:c", false), ("a:*", "a:", false),
        ])
    func patterns(_ pattern: String, _ channel: String, _ matches: Bool) throws {
        let name = try #require(ChannelName(channel))
        #expect(try #require(ChannelPattern(pattern)).matches(name) == matches)
    }

    @Test(
        "what is no pattern",
        arguments: ["", "a*", "a:*b", "a:***", "**:a", "a b", "é", String(repeating: "a", count: 256)])
    func noPattern(_ text: String) {
        #expect(ChannelPattern(text) == nil)
    }
}
