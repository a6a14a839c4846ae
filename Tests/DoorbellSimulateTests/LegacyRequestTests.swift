import NIOHTTP1
import Testing

@testable import DoorbellSimulate

@Suite("The simulated legacy API")
struct LegacyRequestTests {
    private func request(
        _ uri: String, _ authorization: String?, method: HTTPMethod = .GET, tag: String? = nil
    ) -> Result<LegacyRequest, LegacyRequest.Refusal> {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: uri)
        if let authorization { head.headers.add(name: "Authorization", value: authorization) }
        if let tag { head.headers.add(name: "If-None-Match", value: tag) }
        return Result { () throws(LegacyRequest.Refusal) in try LegacyRequest(head) }
    }

    @Test("shows users their own rows")
    func own() throws {
        let uri = LegacyRequest.path(of: 7)
        #expect(uri == "/api/users/7/notifications")
        let parsed = try request(uri + "?x=1", LegacyRequest.authorization(of: 7), tag: "\"a\"").get()
        #expect(parsed.user == 7)
        #expect(parsed.ifNoneMatch == "\"a\"")
    }

    @Test("and nothing else")
    func refusals() {
        #expect(request("/api/users/7/notifications", "Bearer user-8") == .failure(.forbidden))
        #expect(request("/api/users/7/notifications", nil) == .failure(.forbidden))
        #expect(request("/api/users/7/notifications", "Bearer user-7", method: .POST) == .failure(.notAllowed))
        for uri in ["/", "", "/api/users/x/notifications", "/api/users/7", "/api/users/7/notifications/1"] {
            #expect(request(uri, "Bearer user-7") == .failure(.notFound), "\(uri)")
        }
    }

    @Test("an entity tag is of the bytes")
    func tags() {
        #expect(LegacyRequest.entityTag(of: Array("a".utf8)) == "\"af63dc4c8601ec8c\"")
        #expect(LegacyRequest.entityTag(of: []) != LegacyRequest.entityTag(of: [0]))
    }
}
