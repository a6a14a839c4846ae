import DoorbellAuth
import DoorbellCore
import DoorbellRollout
import DoorbellTestSupport
import Testing

@testable import DoorbellServer

/// Stages and cohorts, as connected clients see them.
@Suite struct RolloutTests {
    static let poll = #"{"type":"transport","feature":"news","use":"poll"}"#
    static let push = #"{"type":"transport","feature":"news","use":"push"}"#

    func news(_ stage: Stage = .push, percent: String? = nil, cohort: CohortRule = CohortRule(.cookie("sid"))) throws
        -> Feature
    {
        Feature(
            name: "news", poll: try PollPattern("GET /api/news"), tables: [], channel: try ChannelTemplate("news"),
            authorize: .public, stage: stage, percent: percent.flatMap { Percent($0) }, cohort: cohort)
    }

    func subscribe(_ server: TestServer, sid: String) async throws -> WebSocketProbe {
        let socket = try await WebSocketProbe.open(server.port, headers: ["Cookie: sid=\(sid)"])
        try await socket.send(#"{"type":"subscribe","channel":"news"}"#)
        try await socket.text(containing: "subscribed")
        return socket
    }

    /// A session that is in the cohort of `inside` and not in that of `outside`.
    func sid(outside: Int = 0, inside: Int) throws -> String {
        try unwrap(
            (0..<10_000).map(String.init).first {
                let bucket = Cohort.bucket(of: CohortMember(key: "cookie:\($0)", name: $0), in: "news")
                return (outside * 100..<inside * 100).contains(bucket)
            })
    }

    @Test("a client that leaves the cohort is told to poll within a second, and still gets what is committed meanwhile")
    func leaves() async throws {
        let (stays, leaves) = (try sid(inside: 10), try sid(outside: 10, inside: 50))
        try await withServer([try news(.canary, percent: "50")]) { server in
            let first = try await subscribe(server, sid: leaves)
            let second = try await subscribe(server, sid: stays)
            let events = try await EventStreamProbe.open(
                server.port, path: "/api/news", headers: ["Cookie: sid=\(leaves)"])
            #expect(try await events.next().data.contains("welcome"))
            #expect(try await events.next().data.contains("subscribed"))
            try server.publish(["before"], on: "news")
            let clock = ContinuousClock.now
            server.move(to: .canary, percent: "10")
            try await first.text(containing: "before")
            #expect(try await first.text() == Self.poll)
            #expect(ContinuousClock.now - clock < .seconds(1))
            try server.publish(["meanwhile"], on: "news")
            #expect(try await first.text().contains("meanwhile"))
            // The stayers are told nothing.
            try await second.text(containing: "before")
            #expect(try await second.text().contains("meanwhile"))
            #expect(try await events.next().data.contains("before"))
            let told = try await events.next()
            #expect(told.data == Self.poll)
            #expect(try await events.next().data.contains("meanwhile"))

            server.move(to: .push)
            #expect(try await first.text() == Self.push)
            #expect(try await events.next().data == Self.push)
            server.move(to: .observe)
            for socket in [first, second] { #expect(try await socket.text() == Self.poll) }
            try server.publish(["after"], on: "news")
            for socket in [first, second] { #expect(try await socket.text().contains("after")) }
        }
    }

    @Test("a client that subscribes although it is to poll gets its subscription, and is told")
    func stranger() async throws {
        try await withServer([try news(.shadow)]) { server in
            let socket = try await subscribe(server, sid: "1")
            #expect(try await socket.text() == Self.poll)
            let events = try await EventStreamProbe.open(server.port, path: "/api/news")
            #expect(try await events.next().data.contains("welcome"))
            #expect(try await events.next().data.contains("subscribed"))
            #expect(try await events.next().data == Self.poll)
            try server.publish(["told"], on: "news")
            #expect(try await socket.text().contains("told"))
        }
    }

    @Test("lists are obeyed: an allowed client is in every canary, a denied one is never told push")
    func lists() async throws {
        let rule = CohortRule(.cookie("sid"), allow: ["friend"], deny: ["foe"])
        try await withServer([try news(.canary, percent: "0", cohort: rule)]) { server in
            let friend = try await subscribe(server, sid: "friend")
            let foe = try await subscribe(server, sid: "foe")
            #expect(try await foe.text() == Self.poll)
            server.move(to: .push)
            try server.publish(["told"], on: "news")
            for socket in [friend, foe] { #expect(try await socket.text().contains("told")) }
        }
    }

    @Test("who a client is by its token counts in its handshake and from the message on in which it says so")
    func tokens() async throws {
        let tokens = TestTokens()
        let rule = CohortRule(.user(claim: "sub", cookie: nil), allow: ["ada"])
        try await withTokens([try news(.canary, percent: "0", cohort: rule)], tokens) { server in
            let subscribe = #"{"type":"subscribe","channel":"news"}"#
            let known = try await WebSocketProbe.open(
                server.port, headers: ["Sec-WebSocket-Protocol: doorbell.v1, bearer.\(tokens.token("ada"))"])
            try await known.send(subscribe)
            try await known.text(containing: "subscribed")
            let late = try await WebSocketProbe.open(server.port)
            try await late.send(subscribe)
            try await late.text(containing: "subscribed")
            #expect(try await late.text() == Self.poll)
            try await late.send(#"{"type":"auth","token":"\#(tokens.token("ada"))"}"#)
            #expect(try await late.text() == Self.push)
            try server.publish(["told"], on: "news")
            #expect(try await known.text().contains("told"), "it was told nothing before")
        }
    }

    @Test(
        "who is pushed what is known by any of its channels, until the last ends, the client is another, or it is gone")
    func pushed() async throws {
        let tokens = TestTokens()
        let boards = Feature(
            name: "boards", poll: try PollPattern("GET /api/boards/{board}"), tables: [],
            channel: try ChannelTemplate("board:{board}"), authorize: .public, stage: .push)
        try await withTokens([boards], tokens) { server in
            func isPushed(_ name: String) -> Bool {
                let key =
                    name == "ada"
                    ? CohortMember(key: "user:ada", name: "ada") : CohortMember(key: "address:127.0.0.1", name: nil)
                return server.pollers.polled(
                    .init(feature: "boards", identity: Cohort.identity(of: key)), agent: nil, isNeeded: false,
                    at: Timestamp(microseconds: 0))
            }
            let socket = try await WebSocketProbe.open(server.port)
            for board in [1, 2] {
                try await socket.send(#"{"type":"subscribe","channel":"board:\#(board)"}"#)
                try await socket.text(containing: #""channel":"board:\#(board)""#)
            }
            #expect(isPushed("nobody") && !isPushed("ada"))
            try await socket.send(#"{"type":"auth","token":"\#(tokens.token("ada"))"}"#)
            try await socket.text(containing: "refreshed")
            #expect(!isPushed("nobody") && isPushed("ada"))
            for board in [1, 2] {
                #expect(isPushed("ada"))
                try await socket.send(#"{"type":"unsubscribe","channel":"board:\#(board)"}"#)
                try await socket.text(containing: "unsubscribed")
            }
            #expect(!isPushed("ada"))
            try await socket.send(#"{"type":"subscribe","channel":"board:3"}"#)
            try await socket.text(containing: "board:3")
            #expect(isPushed("ada"))
            await socket.raw.close()
            try await eventually("the connection's end is noticed") { !isPushed("ada") }
        }
    }

    @Test("many clients of one loop are told in portions, all of them")
    func many() async throws {
        try await withServer([try news()], configure: { $0.addressLimits.connectionsPerAddress = nil }) { server in
            var sockets: [WebSocketProbe] = []
            for number in 0..<600 { sockets.append(try await subscribe(server, sid: String(number))) }
            server.move(to: .observe)
            for socket in sockets { #expect(try await socket.text() == Self.poll) }
        }
    }
}
