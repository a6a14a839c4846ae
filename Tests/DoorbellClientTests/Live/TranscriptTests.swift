import DoorbellCore
import Foundation
import Testing

@testable import DoorbellClient

/// The transcripts and golden messages that all clients are held to.
@Suite struct TranscriptTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fixtures")

    static let transcripts = files("client")
    static let messages = files("wire/v1")

    private static func files(_ folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: fixtures.appendingPathComponent(folder).path)
        return (names ?? []).filter { $0.hasSuffix(".json") }.sorted()
    }

    private static func read(_ file: String) throws -> JSONValue {
        try JSONValue(parsing: Array(Data(contentsOf: fixtures.appendingPathComponent(file))))
    }

    @Test("there are transcripts and golden messages") func areThere() {
        #expect(Self.transcripts.count > 10)
        #expect(Self.messages.count > 5)
    }

    @Test("what every client does", arguments: transcripts)
    func transcript(file: String) throws {
        let transcript = try Self.read("client/\(file)")
        let options = try #require(transcript["options"])
        let rows = options["rows"].map { rows in
            RowList(
                items: rows["items"]?.string ?? "items", key: [rows["key"]?.string ?? "id"],
                order: rows["order"]?.string, limit: rows["limit"]?.integer.map { Int($0) })
        }
        // An option that is new here would be a transcript that is not played.
        let names = Set(try #require(options.object).keys)
        #expect(names.isSubset(of: ["rows", "events"]))
        var world = FeedWorld()
        world.reply = PollAnswer(["body": ["n": 0]])
        var hasBegun = false
        for (number, step) in try #require(transcript["steps"]?.array).enumerated() {
            let (action, value) = try #require(step.object?.first)
            let place = "step \(number + 1) of \(file)"
            switch action {
            case "poll": world.reply = value == .null ? nil : PollAnswer(value)
            case "answer": world.answer(PollAnswer(value))
            case "pass": world.pass(.milliseconds(try #require(value.integer)))
            case "open": world.open()
            case "subscribed":
                let request = world.sent.last(where: { $0["type"] == "subscribe" })
                var message: [String: JSONValue] = [
                    "type": "subscribed", "channel": "things", "position": "1.1-1", "recovered": true, "version": 1,
                ]
                message.merge(try #require(value.object)) { $1 }
                message["id"] = request?["id"]
                world.say(.object(message))
            case "say": world.say(value)
            case "close":
                let code = try #require(value[0]?.integer)
                world.end(UInt16(code), value[1]?.string ?? "")
            case "join": world.begin(2, "/api/things?limit=5", rows: rows)
            case "stall": world.connections[world.connections.count - 1].isStalled = value == true
            case "expect":
                for (what, expected) in try #require(value.object) {
                    let seen = try Self.seen(what, in: world)
                    #expect(seen == expected, "\(what) in \(place)")
                }
            default: Issue.record("'\(action)' in \(place) is not played")
            }
            if hasBegun { continue }
            hasBegun = true
            world.begin(1, "/api/things?limit=5", rows: rows)
            if options["events"] == true { world.handle(.feed(1, .listen)) }
        }
        world.handle(.feed(1, .close))
        world.handle(.feed(2, .close))
        #expect(world.machine.wake == .never)
        #expect(world.told[1]?.last == .end)
        #expect(world.requests.allSatisfy { !$0.isOpen })
    }

    private static func seen(_ what: String, in world: FeedWorld) throws -> JSONValue {
        func texts(_ texts: [String?]) -> JSONValue { .array(texts.map { $0.map { JSONValue.string($0) } ?? .null }) }
        switch what {
        case "requests": return .array(world.requests.map { JSONValue.integer($0.at) })
        case "open-requests": return .integer(Int64(world.requests.filter(\.isOpen).count))
        case "if-none-match": return texts(world.requests.map(\.entityTag))
        case "connections": return .integer(Int64(world.connections.count))
        case "closed": return .array(world.connections.map { $0.closedWith.map { JSONValue.integer($0) } ?? .null })
        case "sent":
            return .array(
                world.sent.map { message in
                    JSONValue.object((message.object ?? [:]).filter { $0.key != "id" && $0.key != "digest" })
                })
        case "sent-types": return .array(world.sent.map { $0["type"] ?? .null })
        case "states": return .array(world.states())
        case "state": return world.states().last ?? .null
        case "changes": return texts(world.changes())
        case "messages": return texts(world.messages())
        case "drifts": return .integer(Int64(world.statistics[1]?.drifts ?? -1))
        case "fields": return texts(world.fields[1] ?? [])
        case "status", "joined":
            let status = try #require(world.status(what == "status" ? 1 : 2))
            return .array([.string(status.transport.rawValue), .string(status.reason)])
        default:
            Issue.record("'\(what)' is not seen")
            return .null
        }
    }

    private static let ofClients: Set<String> = [
        "subscribe", "unsubscribe", "ack", "auth", "refresh", "request", "publish", "drift", "ping", "presence",
    ]

    @Test("each golden message is understood or ignored", arguments: messages)
    func golden(file: String) throws {
        let message = try Self.read("wire/v1/\(file)")
        let type = try #require(message["type"]?.string)
        guard !Self.ofClients.contains(type) else { return }
        var world = FeedWorld()
        world.reply = PollAnswer([
            "body": ["n": 0],
            "headers": [
                "Doorbell-Transport": "push", "Doorbell-Position": "1.1-1",
                "Doorbell-Feature": message["feature"] ?? "f",
            ],
        ])
        world.begin(1, "/api/things")
        world.handle(.feed(1, .listen))
        world.open()
        world.say([
            "type": "subscribed", "channel": .string(message["channel"]?.string ?? "c"), "position": "1.1-1",
            "recovered": true,
            "version": 1, "id": "s1",
        ])
        world.pass(.seconds(5))
        #expect(world.status()?.transport == .push)
        world.say(message)
        world.pass(.seconds(1))
        if message["op"] != nil { #expect(world.changes() == [message["position"]?.string]) }
        if type == "message" { #expect(world.messages() == [message["position"]?.string]) }
        if type == "signal" || type == "reset" { #expect(world.requests.count == 2) }
        world.handle(.feed(1, .close))
        #expect(world.machine.wake == .never)
    }
}

extension PollAnswer {
    /// As the transcripts have it.
    init(_ reply: JSONValue) {
        let headers = reply["headers"]
        self.init(
            status: reply["status"]?.integer.map { Int($0) } ?? 200,
            contentType: headers?["Content-Type"]?.string ?? "application/json", entityTag: headers?["ETag"]?.string,
            position: headers?["Doorbell-Position"]?.string, feature: headers?["Doorbell-Feature"]?.string,
            transport: headers?["Doorbell-Transport"]?.string, isDeprecated: headers?["Deprecation"] != nil,
            body: reply["body"].map { body in body.string.map { Array($0.utf8) } ?? body.json } ?? [])
    }
}
