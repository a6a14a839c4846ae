import DoorbellCore
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOHTTP1
import Testing

/// How polling ends, as those see it who poll still. The clock of these tests stands at 1970-01-01T00:16:40Z.
@Suite struct RetirementTests {
    let target = "/api/users/42/notifications"

    func feature(
        _ retirement: Retirement, stage: Stage = .retired, mode: Feature.Mode = .rows, cached: Bool = false,
        deny: Set<String> = []
    ) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), mode: mode,
            tables: mode == .signal
                ? [
                    .init(
                        table: try #require(QualifiedName("t")),
                        channel: .template(try ChannelTemplate("user:{user_id}:notifications")))
                ]
                : [], channel: try ChannelTemplate("user:{user_id}:notifications"), stage: stage,
            cohort: CohortRule(.cookie("sid"), deny: deny), retirement: retirement,
            cache: cached ? Feature.Caching() : nil)
    }

    func at(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    @Test(
        "poll answers of a retired feature say so in their headers, whoever answers; before, and elsewhere, nothing is said"
    )
    func headers() async throws {
        let retirement = Retirement(
            deprecated: try at("1970-01-01T00:10Z"), sunset: try at("2030-01-01"), link: "https://example.com/polling",
            successor: "/v2")
        for cached in [false, true] {
            let legacy = try await LegacyServer { _ in
                .reply(.ok, ["deprecation": "@1", "link": "</next>; rel=next"], "[]")
            }
            try await withShim(legacy, features: [try feature(retirement, cached: cached)]) { shim in
                for _ in 0..<3 {
                    let poll = try await shim.get(target)
                    #expect(poll.status == 200)
                    #expect(poll.all("deprecation") == ["@600"])
                    #expect(poll.all("sunset") == ["Tue, 01 Jan 2030 00:00:00 GMT"])
                    #expect(
                        poll.all("link") == [
                            "</next>; rel=next", #"</_doorbell/ws>; rel="https://doorbell.dev/rel/push""#,
                            #"</v2>; rel="successor-version""#,
                            #"<https://example.com/polling>; rel="deprecation"; type="text/html""#,
                            #"<https://example.com/polling>; rel="sunset"; type="text/html""#,
                        ])
                }
                #expect(try await shim.get("/api/other").all("deprecation") == ["@1"])
                shim.rollouts.learn(["notifications": Rollout(.push)])
                let before = try await shim.get(target)
                #expect(before.all("deprecation") == ["@1"] && before["sunset"] == nil)
                let entry = Rollout.Entry(revision: 1, since: try at("1970-01-01T00:15Z"), who: "ada", why: nil)
                shim.rollouts.learn(["notifications": Rollout(.retired, entry: entry)])
                #expect(try await shim.get(target)["deprecation"] == "@600", "the configuration's date")
            }
        }
        let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
        try await withShim(legacy, features: [try feature(Retirement())]) { shim in
            #expect(try await shim.get(target)["deprecation"] == nil, "nobody said when")
            let entry = Rollout.Entry(revision: 1, since: try at("1970-01-01T00:15Z"), who: "ada", why: nil)
            shim.rollouts.learn(["notifications": Rollout(.retired, entry: entry)])
            #expect(try await shim.get(target)["deprecation"] == "@900")
        }
    }

    @Test("within a brown-out polls are answered 503 and when to come back, and the legacy API is not asked")
    func brownOut() async throws {
        let window = try at("1970-01-01T00:15Z")..<at("1970-01-01T00:20Z")
        let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
        try await withShim(legacy, features: [try feature(Retirement(brownOuts: [window]))]) { shim in
            let poll = try await shim.get(target)
            #expect(poll.status == 503)
            #expect(poll["retry-after"] == "200" && poll["cache-control"] == "no-store")
            #expect(poll["content-type"] == "application/problem+json")
            #expect(poll.text.contains(#""status":503"#) && poll.text.contains("until 1970-01-01T00:20:00Z"))
            #expect(poll["doorbell-transport"] == "push" && poll["doorbell-feature"] == "notifications")
            #expect(poll["server-timing"]?.hasPrefix("doorbell;desc=refusal") == true)
            let head = try await shim.request("HEAD \(target) HTTP/1.1\r\nHost: h\r\n\r\n", isHead: true)
            #expect(head.status == 503 && head.text.isEmpty)
            #expect(legacy.requests.isEmpty)
            // Everything else of the URL goes on, and so do those who are pushed to.
            let post = try await shim.request("POST \(target) HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            #expect(post.status == 200)
            let raw = try await RawClient(port: shim.port)
            try await raw.send(
                "GET \(target) HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            #expect(try await raw.answer().status == 101)
            try await raw.wait(for: "the snapshot") { $0.text.contains(#""snapshot":{"status":200"#) }
            shim.rollouts.learn(["notifications": Rollout(.push)])
            #expect(try await shim.get(target).status == 200, "one step back ends it")
        }
    }

    @Test("after the sunset polls are gone where that is meant, also for a client that sends a body with its poll")
    func gone() async throws {
        for (isGone, status) in [(true, 410), (false, 200)] {
            let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
            let retirement = Retirement(sunset: try at("1970-01-01T00:16Z"), isGone: isGone)
            try await withShim(legacy, features: [try feature(retirement, cached: true)]) { shim in
                let poll = try await shim.get(target)
                #expect(poll.status == status && poll["sunset"] == "Thu, 01 Jan 1970 00:16:00 GMT")
                #expect(poll["retry-after"] == nil)
                #expect(poll.text.contains("no longer polled") == isGone)
                let odd = try await shim.request(
                    "GET \(target) HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
                #expect(odd.status == status || odd.status == 100)
                let two = try await shim.request(
                    "GET \(target) HTTP/1.1\r\nHost: h\r\n\r\nGET /api/other HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(two.status == status)
            }
        }
    }

    @Test("polls are answered while push cannot be had, and those of clients that are never to be pushed always are")
    func noOtherWay() async throws {
        let window = try at("1970-01-01T00:15Z")..<at("1970-01-01T00:20Z")
        for (retirement, status) in [
            (Retirement(sunset: try at("1970-01-01T00:16Z"), isGone: true), 410),
            (Retirement(brownOuts: [window]), 503),
        ] {
            for cached in [false, true] {
                let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
                let feature = try feature(retirement, cached: cached, deny: ["old"])
                try await withShim(legacy, features: [feature]) { (shim: TestShim) async throws in
                    func poll(_ sid: String) async throws -> HTTPAnswer {
                        try await shim.get(target, headers: ["Cookie: sid=\(sid)"])
                    }
                    #expect(try await poll("new").status == status)
                    let denied = try await poll("old")
                    #expect(denied.status == 200 && denied["doorbell-transport"] == "poll")
                    shim.upstream.captureChanged(to: .down(reason: "test"))
                    #expect(try await poll("new").status == 200)
                    shim.upstream.captureChanged(to: .live(leader: true))
                    #expect(try await poll("new").status == status)
                }
                let unopened = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
                try await withShim(unopened, features: [feature], isOpen: false) { (shim: TestShim) async throws in
                    #expect(try await shim.get(target).status == 200, "there is no log yet")
                }
            }
        }
    }

    @Test("who polls still is listed with its agent, and who polls although it is pushed the same is counted")
    func pollers() async throws {
        for (mode, cached) in [(Feature.Mode.rows, false), (.rows, true), (.signal, false)] {
            let legacy = try await LegacyServer { _ in .reply(.ok, [:], "[]") }
            let feature = try feature(Retirement(), stage: .shadow, mode: mode, cached: cached)
            try await withShim(legacy, features: [feature]) { shim in
                func poll(_ sid: String) async throws {
                    _ = try await shim.get(target, headers: ["Cookie: sid=\(sid)", "User-Agent: app/1"])
                }
                func pollers() -> [(poller: PollerLedger.Poller, isPushed: Bool)] {
                    shim.pollers.pollers(now: Timestamp(microseconds: 1_000_000_000))
                }
                try await poll("a")
                #expect(pollers().isEmpty, "push has not begun")
                shim.rollouts.learn(["notifications": Rollout(.push)])
                for sid in ["a", "a", "b"] { try await poll(sid) }
                try await eventually("they are listed") { pollers().reduce(0) { $0 + $1.poller.polls } == 3 }
                #expect(
                    pollers().allSatisfy { $0.poller.agent == "app/1" && !$0.isPushed && $0.poller.doublePolls == 0 })
                let raw = try await RawClient(port: shim.port)
                try await raw.send(
                    "GET \(target) HTTP/1.1\r\nHost: h\r\nCookie: sid=a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
                try await raw.wait(for: "subscribed") { $0.text.contains("subscribed") }
                for sid in ["a", "b"] { try await poll(sid) }
                try await eventually("one of them polls twice") { pollers().count { $0.poller.doublePolls == 1 } == 1 }
                shim.publish(feature, on: "user:42:notifications", seq: 5, secondsAgo: 1)
                try await poll("a")
                let needed = mode == .signal
                try await eventually("a poll after a signal is needed") {
                    pollers().first { $0.isPushed }.map {
                        $0.poller.polls == 4 && $0.poller.doublePolls == (needed ? 1 : 2)
                    } ?? false
                }
                shim.rollouts.learn(["notifications": Rollout(.canary, percent: .zero)])
                try await poll("a")
                try await eventually("a client that is told to poll does what it is told") {
                    pollers().first { $0.isPushed }.map {
                        $0.poller.polls == 5 && $0.poller.doublePolls == (needed ? 1 : 2)
                    } ?? false
                }
                await raw.close()
            }
        }
    }
}
