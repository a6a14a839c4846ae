import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import DoorbellTestSupport
import NIOCore
import NIOHTTP1
import Testing

/// What is asked after a change, in features with `mode: answer`.
@Suite struct SharedQuestionTests {
    private func feature(_ cache: Feature.Caching? = nil) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), mode: .answer,
            tables: [], channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .push, cache: cache)
    }

    private func open(_ shim: TestShim, _ cookie: String) async throws -> RawClient {
        let raw = try await RawClient(port: shim.port)
        try await raw.send(
            "GET /api/users/42/notifications HTTP/1.1\r\nHost: h\r\nCookie: \(cookie)\r\nUpgrade: websocket\r\n"
                + "Connection: Upgrade\r\nCache-Control: no-cache\r\nPragma: no-cache\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        #expect(try await raw.answer().status == 101)
        try await raw.wait(for: "the snapshot") { $0.text.contains(#""snapshot""#) }
        return raw
    }

    @Test("callers that are alike share one question, others do not", arguments: [true, false])
    func together(hasTag: Bool) async throws {
        let number = Locked(1)
        let legacy = try await LegacyServer { request in
            let text = #"{"n":\#(number.withLock { $0 }),"who":"\#(request.head.headers["cookie"].joined())"}"#
            return .later(50, .ok, hasTag ? ["etag": "\"\(text.hashValue)\""] : [:], text)
        }
        let feature = try feature()
        try await withShim(legacy, features: [feature], configure: { $0.cacheLag = .seconds(3600) }) {
            (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            var sockets: [(RawClient, String)] = []
            for index in 0..<12 {
                let cookie = index < 8 ? "a" : "b"
                sockets.append((try await open(shim, cookie), cookie))
            }
            let before = legacy.requests.count
            #expect(before == 12, "rights are asked for by each")
            for round in 2..<5 {
                number.withLock { $0 = round }
                shim.publish(feature, on: "user:42:notifications", seq: UInt64(round), secondsAgo: 0)
                for (socket, cookie) in sockets {
                    try await socket.wait(for: "its answer") {
                        $0.text.contains(#""body":{"n":\#(round),"who":"\#(cookie)"}"#)
                    }
                }
                #expect(legacy.requests.count == before + 2 * (round - 1))
            }
            #expect(shim.polls.requests == 0, "these are no polls")
            for (socket, _) in sockets { await socket.close() }
        }
    }

    @Test("polls that are held share the question after a change")
    func held() async throws {
        let number = Locked(1)
        let legacy = try await LegacyServer { _ in .later(50, .ok, [:], "[\(number.withLock { $0 })]") }
        let feature = Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .push,
            cache: Feature.Caching(maxAge: .seconds(3600), identity: .public))
        try await withShim(legacy, features: [feature], configure: { $0.cacheLag = .seconds(3600) }) {
            (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            let tag = try #require(try await shim.get("/api/users/42/notifications")["etag"])
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for cookie in 0..<6 {
                    group.addTask {
                        try await shim.get(
                            "/api/users/42/notifications",
                            headers: ["Cookie: \(cookie)", "Prefer: wait=30", "If-None-Match: \(tag)"]
                        ).text
                    }
                }
                try await eventually("all are held") { shim.hub.usage.subscriptions == 6 }
                number.withLock { $0 = 2 }
                shim.publish(feature, on: "user:42:notifications", seq: 1, secondsAgo: 0)
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers == Array(repeating: "[2]", count: 6))
            // The poll, the held ones when they came (without what polls negotiate), and after the change.
            #expect(legacy.requests.count <= 3)
        }
    }

    private func counting(_ headers: HTTPHeaders = [:], silent: Int = 0) async throws -> LegacyServer {
        let count = Locked(0)
        return try await LegacyServer { _ in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return number <= silent ? .silence : .reply(.ok, headers, "[\(number)]")
        }
    }

    private func polled() throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .push,
            cache: Feature.Caching(maxAge: .seconds(3600), revalidate: .origin))
    }

    @Test("a held poll is answered from memory by the rules of polls: what it asks for, and what its answer says")
    func rules() async throws {
        let target = "/api/users/42/notifications"
        let legacy = try await counting()
        try await withShim(legacy, features: [try polled()], configure: { $0.cacheLag = .seconds(3600) }) {
            (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            func held(_ headers: String...) async throws -> String {
                try await shim.get(target, headers: ["Prefer: wait=30"] + headers).text
            }
            #expect(try await shim.get(target).text == "[1]")
            #expect(try await held() == "[1]")
            #expect(try await held("Cache-Control: no-store") == "[2]")
            #expect(try await held() == "[1]", "that one was for nobody else")
            #expect(try await held("Cache-Control: no-cache") == "[3]")
            #expect(try await held() == "[3]")
        }
        let secret = try await counting(["cache-control": "no-store"])
        try await withShim(secret, features: [try polled()], configure: { $0.cacheLag = .seconds(3600) }) {
            (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            for number in 1..<4 {
                #expect(try await shim.get(target, headers: ["Prefer: wait=30"]).text == "[\(number)]")
            }
        }
    }

    @Test("a question has its time, waiting for a place as well; a poll that waited for it asks for itself")
    func deadline() async throws {
        for isCached in [true, false] {
            let legacy = try await counting(silent: 1)
            let feature =
                isCached
                ? try polled()
                : Feature(
                    name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
                    channel: try ChannelTemplate("user:{user_id}:notifications"), stage: .push)
            try await withShim(
                legacy, features: [feature],
                configure: {
                    $0.cacheLag = .seconds(3600)
                    $0.askTimeout = .milliseconds(300)
                    $0.answerTimeout = .hours(1)
                }
            ) { (shim: TestShim) async throws in
                shim.upstream.covered(before: .now)
                async let held = shim.get("/api/users/42/notifications", headers: ["Prefer: wait=30"])
                try await eventually("it is asked for") { legacy.requests.count == 1 }
                #expect(try await shim.get("/api/users/42/notifications").text == "[2]")
                let answer = try await held
                #expect(answer.status == 504 && answer.text.contains("did not answer in time"))
                try await eventually("it is given up") { legacy.abandoned == 1 }
            }
        }
        let full = try await LegacyServer { _ in .silence }
        let feature = try feature()
        try await withShim(
            full, features: [feature],
            configure: {
                // One for each of the two loops.
                $0.maximumRequests = 2
                $0.askTimeout = .milliseconds(300)
                $0.answerTimeout = .hours(1)
                $0.waitTimeout = .hours(1)
            }
        ) { (shim: TestShim) async throws in
            var sockets: [RawClient] = []
            while full.requests.count < 2 {
                let raw = try await RawClient(port: shim.port)
                try await raw.send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n")
                sockets.append(raw)
                try await Task.sleep(for: .milliseconds(20))
            }
            let answer = try await shim.get("/api/users/42/notifications", headers: ["Prefer: wait=30"])
            #expect(answer.status == 503 && answer.text.contains("no free place in time"))
            for socket in sockets { await socket.close() }
        }
    }

    @Test("with a public cache everybody shares one question, and the next poll needs none")
    func everybody() async throws {
        let legacy = try await LegacyServer { _ in .later(20, .ok, [:], "{}") }
        let feature = try feature(Feature.Caching(maxAge: .seconds(3600), identity: .public))
        try await withShim(legacy, features: [feature], configure: { $0.cacheLag = .seconds(3600) }) {
            (shim: TestShim) async throws in
            shim.upstream.covered(before: .now)
            var sockets: [RawClient] = []
            for cookie in ["a", "b", "c"] { sockets.append(try await open(shim, cookie)) }
            let before = legacy.requests.count
            shim.publish(feature, on: "user:42:notifications", seq: 1, secondsAgo: 0)
            try await eventually("it is asked for") { legacy.requests.count == before + 1 }
            _ = try await settled { legacy.requests.count }
            #expect(legacy.requests.count == before + 1)
            for socket in sockets { await socket.close() }
        }
    }
}
