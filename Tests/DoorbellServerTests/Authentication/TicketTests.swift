import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellTestSupport
import NIOHTTP1
import Testing

@testable import DoorbellServer

/// Tickets for clients that cannot set headers on a handshake.
@Suite struct TicketTests {
    let tokens = TestTokens()
    private let orders = "/api/orgs/7/orders"

    func post(_ server: TestServer, _ headers: [String] = [], path: String = "/_doorbell/ticket") async throws
        -> HTTPAnswer
    {
        let raw = try await RawClient(port: server.port)
        let lines = ["POST \(path) HTTP/1.1", "Host: doorbell.test", "Content-Length: 0"] + headers
        try await raw.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
        let answer = try await raw.answer()
        await raw.close()
        return answer
    }

    func ticket(_ server: TestServer, _ headers: [String] = []) async throws -> String {
        let answer = try await post(server, headers)
        #expect(answer.status == 200 && answer["cache-control"] == "no-store", "\(answer.text)")
        let parts = answer.text.split(separator: "\"")
        #expect(answer.text.hasSuffix(#","expiresIn":30}"# + "\n"))
        return String(parts[3])
    }

    func handshake(_ server: TestServer, _ target: String, _ headers: [String] = []) async throws -> Int {
        let raw = try await RawClient(port: server.port)
        try await raw.send(WebSocketProbe.handshake(target, headers: headers))
        let status = try await raw.answer().status
        await raw.close()
        return status
    }

    @Test("a ticket stands for the token it was given for, once")
    func once() async throws {
        let token = tokens.token("ann", claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let ticket = try await ticket(server, ["Authorization: Bearer \(token)"])
            #expect(try await handshake(server, "\(orders)?page=1&ticket=\(ticket)") == 101)
            #expect(try await handshake(server, "\(orders)?page=1&ticket=\(ticket)") == 401)
            #expect(server.gateway.asked.map(\.target) == ["\(orders)?page=1"])
            #expect(server.gateway.asked[0].headers["authorization"] == ["Bearer \(token)"])
        }
    }

    @Test("after its time, or after that of its token, a ticket is worthless")
    func expired() async throws {
        try await withTokens([try TestFeatures.orders()], tokens) { server in
            let long = tokens.token("ann", lasting: 3600, claims: #""org":"7""#)
            let late = try await ticket(server, ["Authorization: Bearer \(long)"])
            tokens.advance(seconds: 30)
            #expect(try await handshake(server, "/_doorbell/ws?ticket=\(late)") == 401)
            let short = tokens.token("ann", lasting: 10, claims: #""org":"7""#)
            let ended = try await ticket(server, ["Authorization: Bearer \(short)"])
            tokens.advance(seconds: 10)
            #expect(try await handshake(server, "/_doorbell/ws?ticket=\(ended)") == 401)
        }
    }

    @Test("without tokens a ticket stands for the caller's own credentials, and the handshake's are not mixed in")
    func credentials() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let ticket = try await ticket(server, ["Cookie: session=mine", "X-Forwarded-For: 6.6.6.6"])
            let target = "/api/users/42/notifications?ticket=\(ticket)"
            #expect(
                try await handshake(server, target, ["Cookie: session=theirs", "Authorization: Basic QQ=="]) == 101)
            let asked = try #require(server.gateway.asked.first)
            #expect(asked.target == "/api/users/42/notifications")
            #expect(asked.headers["cookie"] == ["session=mine"] && asked.headers["authorization"].isEmpty)
            #expect(asked.headers["x-forwarded-for"].isEmpty)
        }
    }

    @Test("an event stream and the socket for everything take tickets too")
    func carriers() async throws {
        let token = tokens.token("ann", claims: #""org":"7""#)
        try await withTokens([try TestFeatures.orders()], tokens) {
            $0.isRequired = true
        } _: { server in
            let first = try await ticket(server, ["Authorization: Bearer \(token)"])
            let events = try await EventStreamProbe.open(
                server.port, path: "/_doorbell/sse?channel=org:7:orders&ticket=\(first)")
            while try await !events.next().data.contains(#""type":"subscribed""#) {}
            let second = try await ticket(server, ["Authorization: Bearer \(token)"])
            let socket = try await WebSocketProbe.open(server.port, path: "/_doorbell/ws?ticket=\(second)")
            try await socket.send(#"{"type":"subscribe","channel":"org:7:orders"}"#)
            try await socket.text(containing: #""type":"subscribed""#)
        }
    }

    @Test("what is no ticket is refused, and a ticket for a ticket is not given")
    func refused() async throws {
        let token = tokens.token("ann")
        try await withTokens([try TestFeatures.notifications()], tokens) {
            $0.isRequired = true
        } _: { server in
            #expect(try await handshake(server, "/_doorbell/ws?ticket=nonsense") == 400)
            let forged = "ticket." + String(repeating: "A", count: 43)
            #expect(try await handshake(server, "/_doorbell/ws?ticket=\(forged)") == 401)
            #expect(try await post(server).status == 401)
            let ticket = try await ticket(server, ["Authorization: Bearer \(token)"])
            #expect(try await post(server, path: "/_doorbell/ticket?ticket=\(ticket)").status == 400)
            let long = try await post(
                server, ["Authorization: Bearer \(token)", "Cookie: a=\(String(repeating: "x", count: 9000))"])
            #expect(long.status == 431)
            let raw = try await RawClient(port: server.port)
            try await raw.send("GET /_doorbell/ticket HTTP/1.1\r\nHost: h\r\n\r\n")
            let get = try await raw.answer()
            #expect(get.status == 405 && get["allow"] == "POST, OPTIONS")
        }
    }

    @Test("who has nothing to show gets no ticket, which could take another's place")
    func nothingToShow() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let refused = try await post(server)
            #expect(refused.status == 400 && refused.text.contains("has neither"), "\(refused.text)")
            #expect(try await post(server, ["Cookie: sid=1"]).status == 200)
        }
    }

    @Test("a ticket of the legacy API's own passes through where it does not look like ours")
    func foreign() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let status = try await handshake(server, "/api/users/42/notifications?ticket=4711")
            #expect(status == 101)
            #expect(server.gateway.asked.map(\.target) == ["/api/users/42/notifications?ticket=4711"])
        }
    }
}
