import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

/// Polls of a feature with a cache, over real sockets.
@Suite struct CachedPollTests {
    let target = "/api/users/42/notifications"

    private func feature(
        _ identity: Feature.Caching.Identity = .credentials, maxAge: Duration = .seconds(3600),
        revalidate: Feature.Caching.Revalidation = .log, settle: Duration = .zero
    ) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .push,
            cache: Feature.Caching(maxAge: maxAge, identity: identity, revalidate: revalidate, settle: settle))
    }

    private func withCache(
        _ legacy: LegacyServer, _ feature: Feature, isLive: Bool = true,
        configure: @escaping (inout UpstreamConfiguration) -> Void = { _ in }, _ body: (TestShim) async throws -> Void
    ) async throws {
        try await withShim(
            legacy, features: [feature], isLive: isLive,
            configure: {
                $0.cacheLag = .seconds(3600)
                configure(&$0)
            }
        ) { (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            try await body(shim)
        }
    }

    /// A legacy API that counts what it is asked.
    private func counting(_ headers: HTTPHeaders = [:], after milliseconds: Int64 = 0) async throws -> LegacyServer {
        let count = Locked(0)
        return try await LegacyServer { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return milliseconds == 0
                ? .reply(.ok, headers, "[\(number)]") : .later(milliseconds, .ok, headers, "[\(number)]")
        }
    }

    @Test("an unchanged poll is answered from memory: the same bytes and tag, or 304")
    func unchanged() async throws {
        let legacy = try await counting(["content-type": "application/json", "x-own": "1"])
        let feature = try feature()
        try await withCache(legacy, feature) { (shim: TestShim) async throws in
            let first = try await shim.get(target)
            #expect(first.text == "[1]" && first["server-timing"]?.hasPrefix("doorbell;desc=origin") == true)
            let tag = try #require(first["etag"])
            shim.publish(feature, on: "user:7:notifications", seq: 3, secondsAgo: 0)
            let raw = try await RawClient(port: shim.port)
            for _ in 0..<3 {
                try await raw.send("GET \(target) HTTP/1.1\r\nHost: shop.test\r\n\r\n")
                let again = try await raw.answer()
                #expect(again.status == 200 && again.text == "[1]" && again["etag"] == tag)
                #expect(again["content-type"] == "application/json" && again["x-own"] == "1")
                #expect(again["server-timing"]?.hasPrefix("doorbell;desc=cache;dur=") == true)
                #expect(again.all("doorbell-position") == ["1.1-0"], "where the log stood before it was asked for")
                #expect(again.all("doorbell-transport") == ["push"] && again["doorbell-feature"] == "notifications")
            }
            await raw.close()
            let held = try await shim.get(target, headers: ["If-None-Match: \(tag)"])
            #expect(held.status == 304 && held["etag"] == tag && held["content-type"] == nil)
            #expect(held["doorbell-position"] == "1.1-0")
            #expect(try await shim.get(target, headers: ["If-None-Match: \"other\""]).text == "[1]")
            #expect(legacy.requests.count == 1)
            #expect(!legacy.requests[0].head.headers.contains(name: "if-none-match"))
            try await eventually("all are entered") { shim.polls.requests == 6 }
            #expect(shim.polls.unchanged == 5 && shim.polls.originRequests == 1)
            #expect(shim.counts(.conditional).requests == 2 && shim.counts(.conditional).bytesTagsWouldSave == 0)
            #expect(shim.counts(.poll).bytesTagsWouldSave == 3 * UInt64(shim.counts(.poll).unchanged))
        }
    }

    @Test("a client that asks the same again and again is told as soon as the answer is another")
    func repeated() async throws {
        let legacy = try await counting()
        let feature = try feature()
        try await withCache(legacy, feature) { (shim: TestShim) async throws in
            let raw = try await RawClient(port: shim.port)
            func poll() async throws -> HTTPAnswer {
                try await raw.send("GET \(target) HTTP/1.1\r\nHost: shop.test\r\nCookie: a\r\n\r\n")
                return try await raw.answer()
            }
            for round in 1..<4 {
                for _ in 0..<5 { #expect(try await poll().text == "[\(round)]") }
                shim.publish(feature, on: "user:42:notifications", seq: UInt64(round), secondsAgo: 0)
            }
            #expect(try await poll().text == "[4]")
            _ = try await poll()
            try await eventually("all are entered") { shim.polls.requests == 17 }
            #expect(legacy.requests.count == 4)
            let write = "PUT /x HTTP/1.1\r\nHost: shop.test\r\nCookie: a\r\nContent-Length: 0\r\n\r\n"
            #expect(try await shim.request(write).text == "[5]")
            #expect(try await poll().text == "[6]")
            for _ in 0..<3 { #expect(try await poll().text == "[6]") }
            shim.upstream.captureChanged(to: .down(reason: "test"))
            #expect(try await poll().text == "[7]")
            await raw.close()
        }
    }

    @Test("a message on the URL's channel ends an answer, one on another does not")
    func changed() async throws {
        let legacy = try await counting()
        let feature = try feature()
        try await withCache(legacy, feature) { (shim: TestShim) async throws in
            #expect(try await shim.get(target).text == "[1]")
            shim.publish(feature, on: "user:42:notifications", seq: 1, secondsAgo: 0)
            let second = try await shim.get(target)
            #expect(second.text == "[2]" && second["doorbell-position"] == "1.2-1")
            shim.publish(feature, on: "user:7:notifications", seq: 2, secondsAgo: 0)
            #expect(try await shim.get(target).text == "[2]")
            shim.hub.open(floor: Position(epoch: 2, tick: 1, seq: 0))
            #expect(try await shim.get(target).text == "[3]", "another log")
        }
    }

    @Test("what is asked for soon after a change is not kept, where the legacy API needs time to show it")
    func settle() async throws {
        let legacy = try await counting()
        let feature = try feature(settle: .seconds(5))
        try await withCache(legacy, feature) { (shim: TestShim) async throws in
            for _ in 0..<2 { #expect(try await shim.get(target).text == "[1]") }
            shim.publish(feature, on: "user:42:notifications", seq: 1, secondsAgo: 4)
            for number in 2..<4 { #expect(try await shim.get(target).text == "[\(number)]") }
            shim.publish(feature, on: "user:42:notifications", seq: 2, secondsAgo: 5)
            for _ in 0..<2 { #expect(try await shim.get(target).text == "[4]") }
        }
    }

    @Test("callers do not share, unless the answer is for everybody")
    func identities() async throws {
        for (identity, expected) in [(Feature.Caching.Identity.credentials, 3), (.public, 1)] {
            let legacy = try await counting()
            try await withCache(legacy, try feature(identity)) { (shim: TestShim) async throws in
                for _ in 0..<2 {
                    for headers in [["Cookie: a"], ["Cookie: b"], ["Authorization: a"]] {
                        #expect(try await shim.get(target, headers: headers).status == 200)
                    }
                }
                #expect(legacy.requests.count == expected)
            }
        }
    }

    @Test("who says that a public answer was asked for elsewhere gets the links of elsewhere, and nobody else does")
    func links() async throws {
        // As frameworks make links that trust what proxies say: the header's own words, or the first host of Forwarded.
        let legacy = try await LegacyServer { request in
            let headers = request.head.headers
            let forwarded = headers.first(name: "forwarded")?.split(separator: ",").first?.split(separator: ";")
                .first { $0.hasPrefix("host=") }.map { String($0.dropFirst(5)) }
            let host = headers.first(name: "x-original-host") ?? headers.first(name: "x-forwarded-host") ?? ""
            return .reply(.ok, [:], "https://\(forwarded == "shop.test" ? host : forwarded ?? host)/next")
        }
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            for line in [
                "Forwarded: for=1.1.1.1;host=evil.test", "X-Forwarded-Host: evil.test", "X-Original-Host: evil.test",
                "X_Original_Host: evil.test",
            ] {
                _ = try await shim.get(target, headers: [line])
                for sender in ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.2"] {
                    #expect(try await shim.get(target, headers: [sender]).text == "https://shop.test/next", "\(line)")
                }
                let again = try await shim.get(target, headers: [line])
                #expect(again["server-timing"]?.contains("desc=cache") == true)
            }
            #expect(legacy.requests.count == 5, "one for each place, and senders share")
        }
    }

    @Test("HEAD is answered with what GET was, ranges and conditions on time pass")
    func methods() async throws {
        let legacy = try await counting()
        try await withCache(legacy, try feature()) { (shim: TestShim) async throws in
            let head = "HEAD \(target) HTTP/1.1\r\nHost: shop.test\r\n\r\n"
            #expect(try await shim.request(head, isHead: true)["server-timing"]?.contains("desc=origin") == true)
            #expect(try await shim.get(target).text == "[2]")
            let known = try await shim.request(head, isHead: true)
            #expect(known.status == 200 && known["content-length"] == "3" && known["etag"] != nil)
            #expect(known["server-timing"]?.contains("desc=cache") == true)
            #expect(try await shim.get(target, headers: ["Range: bytes=0-1"]).text == "[3]")
            #expect(try await shim.get(target, headers: ["If-Modified-Since: x"]).text == "[4]")
            #expect(try await shim.get(target).text == "[2]")
            #expect(try await shim.get(target, headers: ["Cache-Control: no-store"]).text == "[5]")
            #expect(try await shim.get(target, headers: ["Cache-Control: no-cache"]).text == "[2]", "the log is asked")
            let body = "GET \(target) HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 1\r\n\r\nx"
            #expect(try await shim.request(body).text == "[6]")
        }
    }

    @Test("a request that wants proof of the legacy API gets it, and its answer is kept")
    func revalidate() async throws {
        let legacy = try await counting()
        try await withCache(legacy, try feature(revalidate: .origin)) { (shim: TestShim) async throws in
            #expect(try await shim.get(target).text == "[1]")
            #expect(try await shim.get(target, headers: ["Cache-Control: no-cache"]).text == "[2]")
            #expect(try await shim.get(target, headers: ["Pragma: no-cache"]).text == "[3]")
            #expect(try await shim.get(target).text == "[3]")
        }
    }

    @Test("polls that come together are one request, on all event loops", arguments: [true, false])
    func collapse(hasTag: Bool) async throws {
        let legacy = try await counting(hasTag ? ["etag": "\"a\""] : [:], after: 400)
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
                for number in 0..<30 {
                    group.addTask { try await shim.get(target, headers: ["Cookie: \(number)"]) }
                }
                var answers: [HTTPAnswer] = []
                for try await answer in group { answers.append(answer) }
                return answers
            }
            #expect(answers.count == 30 && answers.allSatisfy { $0.status == 200 && $0.text == "[1]" })
            #expect(answers.count { $0["server-timing"]?.contains("desc=origin") == true } == 1)
            #expect(legacy.requests.count == 1)
        }
    }

    @Test("when the client whose poll is asked for goes away, another one's takes its place")
    func leaderLeaves() async throws {
        let legacy = try await counting(after: 600)
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            let first = try await RawClient(port: shim.port)
            try await first.send("GET \(target) HTTP/1.1\r\nHost: shop.test\r\n\r\n")
            try await eventually("it is asked for") { legacy.requests.count == 1 }
            async let second = shim.get(target)
            async let third = shim.get(target)
            try await Task.sleep(for: .milliseconds(200))
            #expect(legacy.requests.count == 1)
            await first.close()
            let texts = [try await second.text, try await third.text]
            #expect(texts == ["[2]", "[2]"])
            #expect(legacy.requests.count == 2)
        }
    }

    @Test(
        "what may not be kept is asked for by everybody",
        arguments: [["set-cookie": "s=1"], ["cache-control": "no-store"], ["cache-control": "private"], ["vary": "*"]]
            as [HTTPHeaders])
    func notKept(_ headers: HTTPHeaders) async throws {
        let legacy = try await counting(headers, after: 200)
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            async let a = shim.get(target)
            async let b = shim.get(target)
            let texts = [try await a.text, try await b.text].sorted()
            #expect(texts == ["[1]", "[2]"])
            #expect(try await shim.get(target).text == "[3]")
        }
    }

    @Test("errors are not kept")
    func errors() async throws {
        let count = Locked(0)
        let legacy = try await LegacyServer { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number < 3 ? .reply(.serviceUnavailable, [:], "busy") : .reply(.ok, [:], "[]")
        }
        try await withCache(legacy, try feature()) { (shim: TestShim) async throws in
            for _ in 0..<2 { #expect(try await shim.get(target).status == 503) }
            for _ in 0..<3 { #expect(try await shim.get(target).status == 200) }
            #expect(legacy.requests.count == 3)
        }
    }

    @Test("a legacy API that breaks off fails those that wait as well, at once")
    func failure() async throws {
        let legacy = try await LegacyServer { _ in .later(300, .ok, ["content-length": "9"], "short") }
        try await withCache(legacy, try feature(.public), configure: { $0.answerTimeout = .milliseconds(900) }) {
            (shim: TestShim) async throws in
            async let a = shim.get(target)
            async let b = shim.get(target)
            let statuses = [try await a.status, try await b.status]
            #expect(statuses.allSatisfy { $0 >= 502 })
            #expect(legacy.requests.count == 1)
        }
    }

    @Test("a body that is too long to be kept is streamed to everybody")
    func long() async throws {
        let legacy = try await LegacyServer { _ in .stream(3 << 20) }
        try await withCache(legacy, try feature()) { (shim: TestShim) async throws in
            for _ in 0..<2 { #expect(try await shim.get(target).body.count == 3 << 20) }
            #expect(legacy.requests.count == 2)
        }
    }

    @Test("an answer that varies by a header is told apart by it")
    func varies() async throws {
        let legacy = try await LegacyServer { request in
            .reply(.ok, ["vary": "Cookie"], request.head.headers["cookie"].joined())
        }
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            for _ in 0..<3 {
                for cookie in ["a", "b"] {
                    #expect(try await shim.get(target, headers: ["Cookie: \(cookie)"]).text == cookie)
                }
            }
            #expect(legacy.requests.count == 3, "the first answer only said so")
        }
    }

    @Test("whoever writes reads what it wrote; others wait for capture")
    func readYourWrites() async throws {
        let legacy = try await counting()
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            #expect(try await shim.get(target, headers: ["Cookie: a"]).text == "[1]")
            let write = "POST /api/orders HTTP/1.1\r\nHost: shop.test\r\nCookie: a\r\nContent-Length: 2\r\n\r\n{}"
            #expect(try await shim.request(write).text == "[2]")
            #expect(try await shim.get(target, headers: ["Cookie: b"]).text == "[1]")
            #expect(try await shim.get(target, headers: ["Cookie: a"]).text == "[3]")
            #expect(try await shim.get(target, headers: ["Cookie: b"]).text == "[3]", "newer for everybody")
            #expect(try await shim.get(target, headers: ["Cookie: a"]).text == "[3]")
            #expect(try await shim.request(write).text == "[4]")
            shim.upstream.covered(before: .now)
            #expect(try await shim.get(target, headers: ["Cookie: a"]).text == "[3]", "capture has told all there was")
        }
    }

    @Test("a write whose client does not wait for its answer may have been done, and counts")
    func abandonedWrite() async throws {
        let count = Locked(0)
        let legacy = try await LegacyServer { request in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return request.head.method == .POST ? .silence : .reply(.ok, [:], "[\(number)]")
        }
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            #expect(try await shim.get(target, headers: ["Cookie: a"]).text == "[1]")
            let raw = try await RawClient(port: shim.port)
            try await raw.send("POST /x HTTP/1.1\r\nHost: shop.test\r\nCookie: a\r\nContent-Length: 0\r\n\r\n")
            try await eventually("it is written") { legacy.requests.count == 2 }
            await raw.close()
            try await eventually("the write is given up") { legacy.abandoned == 1 }
            #expect(try await shim.get(target, headers: ["Cookie: b"]).text == "[1]")
            try await eventually("its writer is not shown what was asked for before") {
                try await shim.get(target, headers: ["Cookie: a"]).text == "[3]"
            }
        }
    }

    @Test("after a write that changes its cookies nobody sees anything older")
    func newCookies() async throws {
        let legacy = try await LegacyServer { request in
            .reply(.ok, request.head.method == .POST ? ["set-cookie": "s=2"] : [:], "\(request.head.headers["cookie"])")
        }
        try await withCache(legacy, try feature(.public)) { (shim: TestShim) async throws in
            _ = try await shim.get(target, headers: ["Cookie: 1"])
            _ = try await shim.request(
                "POST /login HTTP/1.1\r\nHost: shop.test\r\nCookie: 1\r\nContent-Length: 0\r\n\r\n")
            #expect(try await shim.get(target, headers: ["Cookie: 2"]).text == #"["2"]"#)
        }
    }

    @Test("while capture is not live, is behind, or nothing is old enough to be kept, every poll is asked for")
    func unsure() async throws {
        let legacy = try await counting()
        try await withCache(legacy, try feature()) { (shim: TestShim) async throws in
            #expect(try await shim.get(target).text == "[1]")
            shim.upstream.captureChanged(to: .down(reason: "test"))
            for number in 2..<4 { #expect(try await shim.get(target).text == "[\(number)]") }
            shim.upstream.captureChanged(to: .live(leader: true))
            #expect(try await shim.get(target).text == "[4]", "nobody goes back behind what was seen meanwhile")
            #expect(try await shim.get(target).text == "[4]")
        }
        let behind = try await counting()
        try await withCache(behind, try feature(), configure: { $0.cacheLag = .zero }) {
            (shim: TestShim) async throws in
            for number in 1..<4 { #expect(try await shim.get(target).text == "[\(number)]") }
        }
        let old = try await counting()
        try await withCache(old, try feature(maxAge: .nanoseconds(1))) { (shim: TestShim) async throws in
            for number in 1..<4 { #expect(try await shim.get(target).text == "[\(number)]") }
        }
    }

    @Test("a URL that stands for no channel is never answered from memory")
    func unmapped() async throws {
        let legacy = try await counting()
        let feature = Feature(
            name: "all", poll: try PollPattern("GET /all"),
            tables: [
                Feature.TableRule(
                    table: QualifiedName(schema: "public", name: "t"),
                    channel: .template(try ChannelTemplate("row:{id}")))
            ], authorize: .public, cache: Feature.Caching())
        try await withCache(legacy, feature) { (shim: TestShim) async throws in
            for number in 1..<3 { #expect(try await shim.get("/all").text == "[\(number)]") }
        }
    }
}
