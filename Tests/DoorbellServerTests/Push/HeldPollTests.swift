import DoorbellCore
import DoorbellHub
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@testable import DoorbellServer

@Suite struct HeldPollTests {
    private let poll = "/api/users/42/notifications"
    private let channel = "user:42:notifications"

    private func request(_ headers: String...) -> String {
        "GET \(poll) HTTP/1.1\r\nHost: h\r\n" + headers.map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// The legacy API has version `number` of the answer.
    private func legacy(_ server: TestServer, has number: Int, tagged: Bool = true) {
        server.gateway.answer { _ in
            var headers: HTTPHeaders = ["content-type": "application/json"]
            if tagged { headers.add(name: "etag", value: "\"v\(number)\"") }
            return .success(PollAnswer(status: .ok, headers: headers, body: ByteBuffer(string: "version \(number)")))
        }
    }

    @Test("what the client does not have is answered at once")
    func atOnce() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 2)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: respond-async, wait=20", "If-None-Match: \"v1\""))
            let answer = try await raw.answer()
            #expect(answer.status == 200 && answer.text == "version 2" && answer["etag"] == "\"v2\"")
            #expect(answer["preference-applied"] == "wait=20" && answer["doorbell-position"] != nil)
        }
    }

    @Test(
        "a poll for what the client has is answered when a change comes, and the connection goes on",
        arguments: [true, false])
    func held(tagged: Bool) async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1, tagged: tagged)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=30"))
            let tag = try #require(try await raw.answer()["etag"])
            for number in 2...4 {
                let known = number == 2 ? tag : "\"v\(number - 1)\""
                try await raw.send(request("Prefer: wait=30", "If-None-Match: \(known)"))
                try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
                #expect(raw.bytes.isEmpty)
                legacy(server, has: number)
                try server.publish(["change"], on: channel)
                let answer = try await raw.answer()
                #expect(answer.status == 200 && answer.text == "version \(number)")
                try await eventually("it is over") { server.hub.usage.subscriptions == 0 }
            }
        }
    }

    @Test("a change that does not change the answer is not told; the deadline is a 304")
    func unchanged() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=1", "If-None-Match: W/\"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            let asked = server.gateway.asked.count
            try server.publish(["elsewhere"], on: channel)
            try await eventually("it was asked again") { server.gateway.asked.count > asked }
            let answer = try await raw.answer()
            #expect(answer.status == 304 && answer["preference-applied"] == "wait=1" && answer["etag"] == "W/\"v1\"")
            #expect(answer["doorbell-position"] == server.hub.head?.description)
        }
    }

    @Test("a deadline while the legacy API is asked about a change does not give the change's position")
    func deadlineWhileAsking() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let before = try server.publish(["old"], on: channel)
            legacy(server, has: 1)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=1", "If-None-Match: \"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            server.gateway.hold()
            let change = try server.publish(["new"], on: channel)
            let answer = try await raw.answer()
            #expect(answer.status == 304 && answer["doorbell-position"] == "\(before)", "\(change) was never shown")
        }
    }

    @Test("changes between the question and the wait are asked about, and those after them still are")
    func inBetween() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1)
            server.gateway.hold()
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            try await eventually("it is asked") { server.gateway.asked.count == 1 }
            try server.publish(["one", "two", "three"], on: channel)
            server.gateway.releaseAll()
            try await eventually("it is asked again") { server.gateway.asked.count == 2 }
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            legacy(server, has: 2)
            try server.publish(["four"], on: channel)
            #expect(try await raw.answer().text == "version 2")
        }
    }

    @Test("a position says as well what the client has")
    func byPosition() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1)
            let position = try server.publish(["old"], on: channel)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=30", "Doorbell-Position: \(position)"))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            try server.publish(["new"], on: channel)
            // Without a tag the change itself is the news.
            #expect(try await raw.answer().status == 200)
            try await raw.send(request("Prefer: wait=30", "Doorbell-Position: \(position)"))
            #expect(try await raw.answer().status == 200, "there is something after it already")
        }
    }

    @Test("the legacy API's refusal is the answer, at first and after a change")
    func refused() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            let raw = try await RawClient(port: server.port)
            legacy(server, has: 1)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            server.gateway.refuse(.unauthorized)
            try server.publish(["change"], on: channel)
            #expect(try await raw.answer().status == 401)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            #expect(try await raw.answer().status == 401)
        }
    }

    @Test(
        "when changes can no longer be heard of, held polls are answered from the legacy API, briefly where nothing is new"
    )
    func captureLost() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1)
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            server.server.captureChanged(to: .down(reason: "gone"))
            #expect(try await raw.answer().status == 304)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            #expect(try await raw.answer().text.contains("legacy"), "passed on like any request")
        }
    }

    @Test("a server that goes away answers held polls first; a client that goes away is forgotten")
    func ends() async throws {
        try await withServer([try TestFeatures.notifications()]) { server in
            legacy(server, has: 1)
            let gone = try await RawClient(port: server.port)
            try await gone.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            await gone.close()
            try await eventually("it is forgotten") { server.hub.usage.subscriptions == 0 }
            let raw = try await RawClient(port: server.port)
            try await raw.send(request("Prefer: wait=30", "If-None-Match: \"v1\""))
            try await eventually("it is held") { server.hub.usage.subscriptions == 1 }
            await server.server.stop(within: .seconds(20))
            let answer = try await raw.answer()
            #expect(answer.status == 304 && answer["etag"] == "\"v1\"")
        }
    }

    @Test(
        "preferences are read as RFC 7240 writes them",
        arguments: [
            ("wait=5", 5), ("respond-async, wait = 7", 7), ("wait=\"9\"; x=y", 9), ("wait=600", 60), ("wait=0", nil),
            ("wait=-1", nil), ("wait", nil), ("wait=x", nil), ("waits=3", nil), ("", nil),
            // Empty elements of a list are allowed (RFC 9110, section 5.6.1), and once ended the process.
            (";", nil), ("a, ,b", nil), (" ; wait=5", nil), (",wait=4", 4), ("=", nil), ("wait=", nil),
        ] as [(String, Int?)])
    func preferences(text: String, seconds: Int?) {
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: ["prefer": text])
        #expect(HeldPoll.wait(head) == seconds)
    }
}
