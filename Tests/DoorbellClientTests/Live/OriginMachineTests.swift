import DoorbellCore
import Testing

@testable import DoorbellClient

@Suite struct OriginMachineTests {
    private static let push: JSONValue = [
        "Doorbell-Transport": "push", "Doorbell-Position": "1.1-1", "Doorbell-Feature": "f",
    ]

    private func joined() -> FeedWorld {
        var world = FeedWorld()
        world.reply = PollAnswer(["body": ["n": 0], "headers": Self.push])
        world.begin(1, "/a")
        return world
    }

    private func subscribed(_ world: inout FeedWorld, _ id: JSONValue, _ channel: JSONValue) {
        world.say(["type": "subscribed", "id": id, "channel": channel, "position": "1.1-1", "recovered": true])
    }

    @Test("feeds share a connection; those that ask the same share a subscription, and the last one ends it")
    func sharing() {
        var world = joined()
        world.begin(2, "/b")
        world.open()
        #expect(world.connections.count == 1)
        #expect(world.sent.map { $0["poll"]?.string } == ["/a", "/b"])
        subscribed(&world, "s1", "a")
        subscribed(&world, "s2", "b")
        world.begin(3, "/a")
        #expect(world.sent.count == 2)
        for feed in 1...3 { #expect(world.status(feed)?.transport == .push) }
        world.say(["type": "signal", "channel": "a", "position": "1.2-2", "previous": .null])
        world.pass(.seconds(2))
        #expect(world.requests.map(\.feed).sorted() == [1, 1, 2, 3, 3])
        world.handle(.feed(1, .close))
        #expect(world.sent.count == 2)
        world.handle(.feed(3, .close))
        #expect(world.sent.last == ["type": "unsubscribe", "channel": "a", "id": "s1"])
        #expect(world.connections[0].closedWith == nil)
        world.handle(.feed(2, .close))
        #expect(world.connections[0].closedWith == 1000)
        #expect(world.machine.wake == .never)
    }

    @Test("feeds of one URL go on from where the one that is furthest behind has been; the others hear nothing twice")
    func behind() {
        var world = joined()
        world.open()
        subscribed(&world, "s1", "a")
        world.handle(.feed(1, .listen))
        let change: JSONValue = [
            "type": "row", "channel": "a", "position": "1.2-2", "previous": .null, "op": "insert", "key": ["id": 1],
            "data": ["id": 1],
        ]
        world.say(change)
        world.begin(2, "/a", rows: RowList())
        world.handle(.feed(2, .listen))
        #expect(world.sent.map { $0["type"]?.string } == ["subscribe", "unsubscribe", "subscribe"])
        #expect(world.sent.last?["since"]?.string == "1.1-1")
        subscribed(&world, "s2", "a")
        world.say(change)
        #expect(world.changes(1) == ["1.2-2"])
        #expect(world.changes(2) == ["1.2-2"])
        #expect(world.status(2)?.transport == .push)
    }

    @Test("a token that was refused is replaced once, then the server's word counts")
    func staleToken() {
        var world = FeedWorld(renews: true)
        world.reply = PollAnswer(["body": ["n": 0], "headers": Self.push])
        world.begin(1, "/a")
        world.end(4500, "authentication needed")
        #expect(world.tokens.discarded == 1)
        world.pass(.seconds(1))
        #expect(world.connections.count == 2)
        world.end(4500)
        world.pass(.seconds(60))
        #expect(world.tokens.discarded == 1 && world.connections.count == 2)
        #expect(world.status()?.transport == .poll)
    }

    @Test("a token is renewed before it ends")
    func renewal() {
        var world = FeedWorld(renews: true)
        world.reply = PollAnswer(["body": ["n": 0], "headers": Self.push])
        world.begin(1, "/a")
        world.open()
        subscribed(&world, "s1", "a")
        world.say(["type": "refreshed", "expires": 100_000, "id": "token"])
        #expect(world.tokenEnds == [100_000])
        world.handle(.connection(.expires(in: .seconds(100))))
        world.pass(.seconds(69))
        #expect(world.tokens.renewed == 0)
        world.pass(.seconds(2))
        #expect(world.tokens.renewed == 1)
    }

    @Test("waits between attempts double to thirty seconds, and begin anew after a connection that lived")
    func backoff() {
        var world = joined()
        var waits: [Int64] = []
        for _ in 0..<7 {
            world.end(1006)
            let (before, count) = (world.now, world.connections.count)
            while world.connections.count == count { world.pass(.milliseconds(250)) }
            waits.append((world.now - before).milliseconds)
        }
        #expect(waits == [500, 1000, 2000, 4000, 8000, 15_000, 15_000])
        world.open()
        subscribed(&world, "s1", "a")
        world.pass(.seconds(25))
        let count = world.connections.count
        world.end(1006)
        world.pass(.milliseconds(500))
        #expect(world.connections.count == count + 1)
    }

    @Test("an attempt that nobody answers is given up after ten seconds")
    func timeout() {
        var world = joined()
        world.pass(.seconds(10))
        #expect(world.connections[0].closedWith == 1000)
        world.pass(.seconds(1))
        #expect(world.connections.count == 2)
    }

    @Test("who asks for push is pushed to, who asks for polls polls, whatever the server says")
    func insisting() {
        for (transport, said) in [(.push, "poll"), (.poll, "push")] as [(FeedOptions.Transport, JSONValue)] {
            var world = FeedWorld()
            world.reply = PollAnswer(["body": 1, "headers": ["Doorbell-Transport": said]])
            var options = FeedOptions()
            options.transport = transport
            world.begin(1, "/a", options: options)
            #expect(world.connections.count == (transport == .push ? 1 : 0))
        }
    }

    @Test("an iteration of changes that begins late hears what comes from then on, also across a lost connection")
    func listening() {
        var world = joined()
        world.open()
        subscribed(&world, "s1", "a")
        func insert(_ seq: Int, after previous: JSONValue) -> JSONValue {
            [
                "type": "row", "channel": "a", "position": .string("1.\(seq)-\(seq)"), "previous": previous,
                "op": "insert", "key": ["id": .integer(Int64(seq))], "data": ["id": .integer(Int64(seq))],
            ]
        }
        world.say(insert(2, after: .null))
        world.handle(.feed(1, .listen))
        world.say(insert(3, after: "1.2-2"))
        world.end(1006)
        world.reply = PollAnswer(["body": ["n": 9], "headers": ["Doorbell-Position": "1.5-5"]])
        world.pass(.seconds(4))
        world.open()
        #expect(world.sent.last?["since"] == "1.3-3")
    }

    @Test("hostile messages are survived: the clock goes on, nothing grows without bound, and closing leaves nothing")
    func hostile() {
        var generator = Numbers(state: 7)
        let words: [JSONValue] = [
            .null, true, 0, -1, 1.5, 1e300, .integer(.max), .integer(.min), "", "things", "s1", "s2", "1.1-1",
            "1.99999999999999999999-1",
            "poll", "push", "f", [], [:], ["status": 200, "body": [1], "etag": "e"], [["id": 1]], ["id": 1], "\u{0}",
            "a.b-c",
        ]
        let types: [JSONValue] = [
            "welcome", "refreshed", "goodbye", "batch", "transport", "subscribed", "error", "unsubscribed", "reset",
            "conflated",
            "answer", "signal", "message", "thing", "pong", "published", 7, .null,
        ]
        let names = [
            "id", "channel", "position", "previous", "op", "key", "data", "snapshot", "recovered", "code", "message",
            "reason",
            "heartbeat", "reconnectAfter", "expires", "messages", "etag", "base", "patch", "body", "status", "through",
            "feature", "use",
        ]
        var world = joined()
        world.begin(2, "/a", rows: RowList(order: "id", limit: 2))
        world.handle(.feed(2, .listen))
        for number in 0..<10_000 {
            if world.connections.last?.isOpen == false { world.open() }
            var message: [String: JSONValue] = ["type": types.randomElement(using: &generator)!]
            for _ in 0..<Int.random(in: 0..<8, using: &generator) {
                message[names.randomElement(using: &generator)!] = words.randomElement(using: &generator)!
            }
            if message["op"] == "things" { message["op"] = "insert" }
            world.handle(.connection(.received(number % 50 == 0 ? nil : .object(message))))
            world.pass(.milliseconds(Int64.random(in: 0..<400, using: &generator)))
            if number % 97 == 0 {
                let codes: [UInt16] = [1001, 1006, 1012, 4000, 4002]
                world.end(codes.randomElement(using: &generator)!)
            }
            #expect(world.machine.wake > world.now)
        }
        #expect(!world.requests.contains { $0.isOpen })
        #expect(world.connections.count > 10)
        world.handle(.feed(1, .close))
        world.handle(.feed(2, .close))
        #expect(world.machine.wake == .never)
        world.handle(.connection(.received(["type": "transport", "use": "push"])))
        #expect(world.machine.wake == .never)
    }
}

/// SplitMix64: the same numbers in each run.
struct Numbers: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
