import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellTestSupport
import NIOHTTP1
import Testing

@testable import DoorbellServer

/// Where a handshake may carry its token, and how it is turned away: on real sockets.
@Suite struct HandshakeTokenTests {
    let tokens = TestTokens()

    /// Each carrier on the URL that the token is about.
    enum Carrier: CaseIterable {
        case webSocket, events, held

        func request(_ target: String, _ headers: [String]) -> String {
            switch self {
            case .webSocket: WebSocketProbe.handshake(target, headers: headers)
            case .events: EventStreamProbe.request(target, headers: headers)
            case .held:
                (["GET \(target) HTTP/1.1", "Host: doorbell.test", "Prefer: wait=20"] + headers)
                    .joined(separator: "\r\n") + "\r\n\r\n"
            }
        }

        var accepted: Int { self == .webSocket ? 101 : 200 }
    }

    /// The head of the answer, as a status and headers.
    func answer(_ server: TestServer, _ request: String) async throws -> (status: Int, head: String) {
        let raw = try await RawClient(port: server.port)
        try await raw.send(request)
        try await raw.wait(for: "a head") { $0.text.contains("\r\n\r\n") }
        defer { Task { await raw.close() } }
        let head = raw.text.lowercased()
        return (Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0, head)
    }

    private let orders = "/api/orgs/7/orders"

    @Test("a token is found in each place that is allowed, by each carrier", arguments: Carrier.allCases)
    func places(_ carrier: Carrier) async throws {
        let token = tokens.token("ann", claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) {
            $0.places.cookie = "session"
            $0.places.allowsQueryToken = true
        } _: { server in
            var requests = [
                carrier.request(orders, ["Authorization: Bearer \(token)"]),
                carrier.request(orders, ["Cookie: a=b; session=\(token)"]),
                carrier.request(orders + "?token=\(token)", []),
            ]
            if carrier == .webSocket {
                requests.append(carrier.request(orders, ["Sec-WebSocket-Protocol: doorbell.v1, bearer.\(token)"]))
            }
            for request in requests {
                let (status, head) = try await answer(server, request)
                #expect(status == carrier.accepted, "\(request): \(head)")
                #expect(!head.contains(token.lowercased()), "an answer repeats the token")
            }
            #expect(server.gateway.asked.count == requests.count)
            for question in server.gateway.asked { #expect(question.target == orders) }
        }
    }

    @Test(
        "who has no token, a bad one or one for something else is turned away before the upgrade",
        arguments: Carrier.allCases)
    func refused(_ carrier: Carrier) async throws {
        let good = tokens.token("ann", claims: #""org":"7""#)
        let old = tokens.token("ann", lasting: -1, claims: #""org":"7""#)
        let other = tokens.token("ann", claims: #""org":"8""#)
        let forged = tokens.token("ann", claims: #""org":"7""#, secret: String(TestTokens.secret.reversed()))
        let cases: [(headers: [String], status: Int, challenge: String?)] = [
            ([], 401, #"bearer realm="doorbell""#),
            (["Authorization: Bearer \(old)"], 401, #"error="invalid_token""#),
            (["Authorization: Bearer \(forged)"], 401, #"error="invalid_token""#),
            (["Authorization: Bearer \(good)x"], 401, #"error="invalid_token""#),
            (["Authorization: Bearer \(other)"], 403, #"error="insufficient_scope""#),
            (["Authorization: Bearer"], 400, #"error="invalid_request""#),
            (["Authorization: Bearer a b"], 400, #"error="invalid_request""#),
            (["Authorization: Bearer \(good)", "Authorization: Bearer \(other)"], 400, nil),
            (["Authorization: Bearer \(good)", "Sec-WebSocket-Protocol: doorbell.v1, bearer.\(other)"], 400, nil),
            (["Sec-WebSocket-Protocol: bearer.\(good)"], 400, nil),
            // Not a place that is looked at.
            (["Cookie: session=\(good)"], 401, nil),
            (["Authorization: Basic YW5uOnNlY3JldA=="], 401, nil),
        ]
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            for one in cases {
                let (status, head) = try await answer(server, carrier.request(orders, one.headers))
                #expect(status == one.status, "\(one.headers): \(head)")
                if let challenge = one.challenge { #expect(head.contains(challenge), "\(head)") }
                #expect(head.contains("application/problem+json") && head.contains("cache-control: no-store"))
            }
            let query = try await answer(server, carrier.request(orders + "?token=\(good)", []))
            #expect(query.status == 401)
            #expect(server.gateway.asked.isEmpty, "nobody was asked before the token was good")
            #expect(server.hub.usage.subscriptions == 0)
        }
    }

    @Test("the legacy API is asked with the client's own headers, and shown a token that had no header to come in")
    func shown() async throws {
        let token = tokens.token("ann", claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let carrier = Carrier.webSocket
            let offer = "Sec-WebSocket-Protocol: doorbell.v1, bearer.\(token)"
            for headers in [
                [offer, "Cookie: a=b"], [offer, "Authorization: Basic QQ=="], ["Authorization: bearer \(token)"],
            ] {
                let status = try await answer(server, carrier.request(orders, headers)).status
                #expect(status == 101)
            }
            let asked = server.gateway.asked.map(\.headers)
            #expect(asked[0]["authorization"] == ["Bearer \(token)"] && asked[0]["cookie"] == ["a=b"])
            #expect(asked[1]["authorization"] == ["Basic QQ=="])
            #expect(asked[2]["authorization"] == ["Bearer \(token)"])
            for headers in asked { #expect(headers["sec-websocket-protocol"].isEmpty) }
        }
    }

    @Test("without tokens in the configuration nothing of them is looked at, and claims let nobody in")
    func unconfigured() async throws {
        try await withServer([try TestFeatures.notifications(), try TestFeatures.orders()]) { server in
            let headers = ["Authorization: Bearer", "Authorization: Bearer x", "Sec-WebSocket-Protocol: bearer.x"]
            for carrier in Carrier.allCases {
                let path = "/api/users/42/notifications"
                let legacy = try await answer(server, carrier.request(path, headers)).status
                let claimed = try await answer(server, carrier.request(orders, headers)).status
                #expect(legacy == carrier.accepted && claimed == 401)
            }
            #expect(server.gateway.asked.count == 3)
            #expect(server.gateway.asked[0].headers["authorization"] == ["Bearer", "Bearer x"])
        }
    }

    @Test(
        "where everybody needs a token, all but a public feature's URL and a socket that may still send one are closed")
    func required() async throws {
        let token = tokens.token("ann")
        let features = [try TestFeatures.notifications(), try TestFeatures.news()]
        try await withTokens(features, tokens) {
            $0.isRequired = true
        } _: { server in
            let cases: [(Carrier, String, bare: Int, known: Int)] = [
                (.webSocket, "/api/users/42/notifications", 401, 101), (.webSocket, "/api/news", 101, 101),
                (.events, "/api/users/42/notifications", 401, 200), (.events, "/api/news", 200, 200),
                (.webSocket, "/_doorbell/ws", 101, 101), (.events, "/_doorbell/sse?channel=news", 401, 200),
            ]
            for (carrier, target, bare, known) in cases {
                let without = try await answer(server, carrier.request(target, [])).status
                let headers = ["Authorization: Bearer \(token)"]
                let with = try await answer(server, carrier.request(target, headers)).status
                #expect(without == bare && with == known, "\(target)")
            }
            // A bad token is never as good as none.
            let status = try await answer(
                server, Carrier.webSocket.request("/_doorbell/ws", ["Authorization: Bearer x"])
            ).status
            #expect(status == 401)
        }
    }

    @Test("polls are the legacy API's business, whatever tokens they carry")
    func polls() async throws {
        try await withTokens([try TestFeatures.orders()], tokens) {
            $0.isRequired = true
            $0.places.allowsQueryToken = true
        } _: { server in
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET \(orders)?token=x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer nonsense\r\n\r\n")
            #expect(try await raw.answer().status == 200)
            #expect(server.gateway.forwarded.map(\.uri) == [orders + "?token=x"])
        }
    }
}
