import DoorbellCore
import DoorbellWire
import Testing

@testable import DoorbellServer

@Suite struct SessionCallsTests {
    private func session(_ limits: SessionLimits = SessionLimits()) -> Session {
        Session(id: "s", rules: SessionRules(catalog: FeatureCatalog([]), limits: limits), jitter: 0.5, now: 0)
    }

    private func request(_ id: String, headers: [HeaderField] = []) -> ClientMessage.Request {
        ClientMessage.Request(id: id, method: "GET", path: "/api/orders/42", headers: headers)
    }

    private func code(_ actions: [Session.Action]) -> ServerMessage.ErrorCode? {
        guard actions.count == 1, case .send(.error(let code, _, _, _)) = actions[0] else { return nil }
        return code
    }

    private func answer(_ id: String) -> CallOutcome? {
        ServerMessage.Response(id: id, status: 200, headers: [], answer: []).map { .answered($0) }
    }

    @Test("a request is a call, its answer a response")
    func answered() throws {
        var session = session()
        #expect(session.received(.request(request("1")), position: nil, now: 0) == [.call(request("1"))])
        let outcome = try unwrap(answer("1"))
        guard case .answered(let response) = outcome else { return }
        #expect(session.called("1", outcome) == [.send(.response(response))])
        #expect(session.called("1", outcome) == [], "only once")
        #expect(session.openCalls.isEmpty)
    }

    @Test("calls are open side by side up to the limit, and end in any order")
    func limit() throws {
        var session = session(SessionLimits(openRequests: 2))
        for id in ["1", "2"] {
            #expect(session.received(.request(request(id)), position: nil, now: 0) == [.call(request(id))])
        }
        #expect(code(session.received(.request(request("3")), position: nil, now: 0)) == .limit)
        _ = session.called("1", .failed("x"))
        #expect(session.received(.request(request("3")), position: nil, now: 0) == [.call(request("3"))])
    }

    @Test("an id that is open is refused, and the open call is not disturbed")
    func duplicate() throws {
        var session = session()
        _ = session.received(.request(request("1")), position: nil, now: 0)
        #expect(code(session.received(.request(request("1")), position: nil, now: 0)) == .badRequest)
        #expect(session.called("1", try unwrap(answer("1"))).count == 1)
        #expect(session.received(.request(request("1")), position: nil, now: 0).count == 1, "free again")
    }

    @Test("how a call ends is told with its id")
    func outcomes() {
        let cases: [(CallOutcome, ServerMessage.ErrorCode)] = [
            (.tooLong, .limit), (.unread, .limit), (.refused("r"), .badRequest), (.failed("r"), .upstreamUnavailable),
        ]
        for (outcome, expected) in cases {
            var session = session()
            _ = session.received(.request(request("7")), position: nil, now: 0)
            guard case .send(.error(let code, _, let id, _))? = session.called("7", outcome).first else {
                Issue.record("\(outcome) is not told")
                continue
            }
            #expect(code == expected && id == "7")
        }
    }

    @Test("a limit of 0 takes no requests")
    func off() {
        var session = session(SessionLimits(openRequests: 0))
        #expect(code(session.received(.request(request("1")), position: nil, now: 0)) == .notSupported)
    }

    @Test("a header that is not on the list is refused, one that the configuration names is not")
    func headers() {
        let asked = request("1", headers: [HeaderField("x-tenant", "7")])
        var strict = session()
        #expect(code(strict.received(.request(asked), position: nil, now: 0)) == .badRequest)
        var limits = SessionLimits()
        limits.requestHeaders = ["x-tenant"]
        var session = session(limits)
        #expect(session.received(.request(asked), position: nil, now: 0) == [.call(asked)])
    }

    @Test("an answer after the end is told to nobody")
    func afterTheEnd() throws {
        var session = session()
        _ = session.received(.request(request("1")), position: nil, now: 0)
        _ = session.peerClosed()
        #expect(session.called("1", try unwrap(answer("1"))) == [])
        #expect(session.received(.request(request("2")), position: nil, now: 0) == [])
    }
}
