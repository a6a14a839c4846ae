import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

@Suite struct PollTests {
    let target = "/api/users/42/notifications"

    func feature(_ stage: Stage = .push) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"), stage: stage)
    }

    @Test("a poll says where the log stood before the legacy API was asked, and that push may be used")
    func headers() async throws {
        let legacy = try await LegacyServer { _ in
            .reply(
                .ok,
                [
                    "doorbell-position": "forged", "Doorbell-Transport": "forged", "server-timing": "db;dur=3",
                    "link": "</next>; rel=next",
                ], "[]")
        }
        try await withShim(legacy, features: [try feature()]) { shim in
            let poll = try await shim.get(target + "?page=2")
            #expect(poll.all("doorbell-position") == ["1.1-0"])
            #expect(poll.all("doorbell-transport") == ["push"])
            #expect(poll["doorbell-feature"] == "notifications")
            #expect(
                poll.all("link") == ["</next>; rel=next", #"</_doorbell/ws>; rel="https://doorbell.dev/rel/push""#])
            #expect(poll.all("server-timing").count == 2)
            #expect(poll.all("server-timing").last?.hasPrefix("doorbell;desc=origin;dur=") == true)
            let other = try await shim.get("/api/other")
            #expect(other["doorbell-position"] == "forged", "not a poll of ours: untouched")
            let post = try await shim.request("POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            #expect(post["doorbell-feature"] == nil)
        }
    }

    @Test("clients are told to poll unless the stage uses push, capture is live and the log is open")
    func transport() async throws {
        for (stage, isLive, isOpen) in [
            (Stage.observe, true, true), (.shadow, true, true), (.push, false, true), (.push, true, false),
        ] {
            let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
            try await withShim(legacy, features: [try feature(stage)], isLive: isLive, isOpen: isOpen) { shim in
                let poll = try await shim.get(target)
                #expect(poll["doorbell-transport"] == "poll")
                #expect(poll["link"] == nil)
                #expect((poll["doorbell-position"] == nil) == !isOpen)
            }
        }
    }

    @Test("a poll is told by the stage and cohort of its caller, also from the moment on that somebody changes them")
    func cohorts() async throws {
        let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
        let feature = Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .canary,
            cohort: CohortRule(.cookie("sid"), allow: ["friend"], deny: ["foe"]))
        try await withShim(legacy, features: [feature]) { shim in
            func told(_ sid: String) async throws -> String? {
                try await shim.get(target, headers: ["Cookie: sid=\(sid)"])["doorbell-transport"]
            }
            #expect(try await told("friend") == "push")
            #expect(try await told("1") == "poll")
            shim.rollouts.learn(["notifications": Rollout(.canary, percent: .all)])
            #expect(try await told("1") == "push")
            #expect(try await told("foe") == "poll")
            shim.rollouts.learn(["notifications": Rollout(.observe)])
            #expect(try await told("friend") == "poll")
            let percent = try #require(Percent("30"))
            shim.rollouts.learn(["notifications": Rollout(.canary, percent: percent)])
            for number in 0..<20 {
                let member = CohortMember(key: "cookie:\(number)", name: nil)
                let isInside = Cohort.bucket(of: member, in: "notifications") < percent.hundredths
                #expect(try await told(String(number)) == (isInside ? "push" : "poll"))
            }
        }
    }

    @Test("the ledger sees requests, bytes, unchanged answers and how stale the changes were that a poll showed")
    func ledger() async throws {
        let body = Locked("[1]")
        let text: @Sendable () -> String = { body.withLock { $0 } }
        let legacy = try await LegacyServer { request in
            request.head.headers.contains(name: "if-none-match") ? .reply(.notModified) : .reply(.ok, [:], text())
        }
        let feature = try feature()
        try await withShim(legacy, features: [feature]) { shim in
            for _ in 0..<3 { _ = try await shim.get(target, headers: ["Cookie: a"]) }
            _ = try await shim.get(target, headers: ["Cookie: b"])
            _ = try await shim.get(target, headers: ["Cookie: a", "If-None-Match: x"])
            body.withLock { $0 = "[1,2]" }
            shim.publish(feature, on: "user:42:notifications", seq: 5, secondsAgo: 3)
            _ = try await shim.get(target, headers: ["Cookie: a"])
            var row = shim.polls
            try await eventually("the last poll is entered") {
                row = shim.polls
                return row.requests == 6
            }
            #expect(row.unchanged == 3)
            #expect(row.staleness.count == 1, "only to the caller that polled before and after")
            #expect(row.staleness.percentile(50).map { abs($0 - 3) < 0.03 } == true)
            #expect(row.bytesUp > 6 * 60 && row.bytesDown > 6 * 60)
        }
    }

    @Test("a held poll is one only if it waited; then it counts what it asked for, how long it took and what it showed")
    func heldPolls() async throws {
        let body = Locked("[1]")
        let text: @Sendable () -> String = { body.withLock { $0 } }
        let legacy = try await LegacyServer { _ in .reply(.ok, [:], text()) }
        let feature = try feature()
        try await withShim(legacy, features: [feature]) { shim in
            let first = try await shim.get(target, headers: ["Prefer: wait=30"])
            let tag = try #require(first["etag"])
            try await eventually("it is entered") { shim.counts(.poll).requests == 1 }
            let raw = try await RawClient(port: shim.port)
            try await raw.send(
                "GET \(target) HTTP/1.1\r\nHost: shop.test\r\nPrefer: wait=30\r\nIf-None-Match: \(tag)\r\n\r\n")
            try await eventually("it waits") { shim.hub.usage.subscriptions == 1 }
            body.withLock { $0 = "[1,2]" }
            shim.publish(feature, on: "user:42:notifications", seq: 5, secondsAgo: 3)
            #expect(try await raw.answer().text == "[1,2]")
            try await eventually("it is entered") { shim.counts(.held).requests == 1 }
            let held = shim.counts(.held)
            #expect(held.originRequests == 2 && held.unchanged == 0 && held.connectionSeconds > 0)
            #expect(held.staleness.percentile(50).map { abs($0 - 3) < 0.03 } == true && held.staleness.count == 1)
            #expect(held.bytesUp > 60 && held.bytesDown > 60)
            #expect(shim.counts(.poll).requests == 1 && shim.counts(.conditional).requests == 0)
            await raw.close()
        }
    }

    @Test("errors of the legacy API count as requests, and neither as unchanged nor as having shown anything")
    func errors() async throws {
        let fails = Locked(false)
        let failing: @Sendable () -> Bool = { fails.withLock { $0 } }
        let legacy = try await LegacyServer { _ in failing() ? .reply(.internalServerError) : .reply(.ok, [:], "[]") }
        let feature = try feature()
        try await withShim(legacy, features: [feature]) { shim in
            _ = try await shim.get(target)
            fails.withLock { $0 = true }
            shim.publish(feature, on: "user:42:notifications", seq: 5, secondsAgo: 3)
            for _ in 0..<2 { #expect(try await shim.get(target).status == 500) }
            fails.withLock { $0 = false }
            _ = try await shim.get(target)
            try await eventually("all are entered") { shim.polls.requests == 4 }
            #expect(shim.polls.unchanged == 1)
            #expect(shim.polls.staleness.count == 1)
        }
    }

    @Test("a subscriber is let in by the legacy API through the shim, with its answer as the snapshot")
    func ask() async throws {
        let legacy = try await LegacyServer { request in
            request.head.headers["authorization"] == ["Bearer good"]
                ? .reply(.ok, ["content-type": "application/json"], #"{"n":1}"#) : .reply(.forbidden, [:], "no")
        }
        try await withShim(legacy, features: [try feature()]) { shim in
            func upgrade(_ token: String) -> String {
                "GET \(target) HTTP/1.1\r\nHost: shop.test\r\nAuthorization: Bearer \(token)\r\nUpgrade: websocket\r\n"
                    + "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            }
            let refused = try await shim.request(upgrade("bad"))
            #expect(refused.status == 403)
            #expect(refused.text == "no")
            let raw = try await RawClient(port: shim.port)
            try await raw.send(upgrade("good"))
            #expect(try await raw.answer().status == 101)
            try await raw.wait(for: "the snapshot") { $0.text.contains(#""snapshot":{"status":200,"etag":"W/\"#) }
            #expect(raw.text.contains(#"","body":{"n":1}}"#))
            let asked = try #require(legacy.requests.last).head
            #expect(asked.uri == target)
            #expect(asked.headers["host"] == ["shop.test"])
            #expect(!asked.headers.contains(name: "sec-websocket-key"))
            #expect(!asked.headers.contains(name: "upgrade"))
        }
    }

    @Test("an answer that is too long for a snapshot lets the client in without one")
    func longAnswer() async throws {
        let legacy = try await LegacyServer { _ in .stream(3 << 20) }
        try await withShim(legacy, features: [try feature()]) { shim in
            let raw = try await RawClient(port: shim.port)
            try await raw.send(
                "GET \(target) HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            #expect(try await raw.answer().status == 101)
            try await raw.wait(for: "subscribed") { $0.text.contains(#""type":"subscribed""#) }
            #expect(!raw.text.contains("snapshot"))
        }
    }
}
