import DoorbellCore
import Testing

@testable import DoorbellClient

/// A table that changes at random behind a network that loses, stalls and refuses: the state ends as the poll has it, and each
/// change is told once, in order.
@Suite struct FeedPropertyTests {
    @Test("whatever the network does, the state ends as the poll's and no change comes twice", arguments: 1...20)
    func random(seed: Int) {
        var generator = Numbers(state: UInt64(seed))
        var world = FeedWorld()
        var rows: [Int64: Int64] = [:]
        var log: [JSONValue] = []
        /// Whether the connection hears changes.
        var isSubscribed = false

        func position(_ count: Int) -> String { "1.\(count + 1)-\(count + 1)" }
        func answer() -> PollAnswer {
            let items = rows.sorted { $0.key > $1.key }.prefix(5).map { row in
                JSONValue.object(["id": .integer(row.key), "value": .integer(row.value)])
            }
            return PollAnswer([
                "body": ["items": .array(items)],
                "headers": [
                    "Doorbell-Transport": "push", "Doorbell-Position": .string(position(log.count)),
                    "Doorbell-Feature": "f",
                ],
            ])
        }
        func change() {
            let id = Int64.random(in: 0..<12, using: &generator)
            let old = rows[id]
            let isDeleted = old != nil && Bool.random(using: &generator)
            rows[id] = isDeleted ? nil : Int64.random(in: 0..<1000, using: &generator)
            let operation = rows[id] == nil ? "delete" : old == nil ? "insert" : "update"
            var message: [String: JSONValue] = [
                "type": "row", "channel": "c", "key": ["id": .integer(id)],
                "previous": log.last?["position"] ?? .null, "position": .string(position(log.count + 1)),
                "op": .string(operation),
            ]
            message["data"] = rows[id].map { JSONValue.object(["id": .integer(id), "value": .integer($0)]) }
            log.append(.object(message))
            if isSubscribed { world.say(log[log.count - 1]) }
        }
        func serve() {
            guard let connection = world.connections.last, connection.closedWith == nil else {
                isSubscribed = false
                return
            }
            if !connection.isOpen {
                isSubscribed = false
                return world.open()
            }
            guard !isSubscribed, let request = world.sent.last(where: { $0["type"] == "subscribe" }) else { return }
            isSubscribed = true
            let since = request["since"]?.string
            let index = (0...log.count).first(where: { position($0) == since })
            world.say([
                "type": "subscribed", "channel": "c", "id": request["id"] ?? .null,
                "position": .string(index.map(position) ?? position(log.count)), "recovered": .bool(index != nil),
            ])
            for message in log[(index ?? log.count)...] { world.say(message) }
        }

        world.reply = answer()
        world.begin(1, "/api/things", rows: RowList(order: "-id", limit: 5))
        world.handle(.feed(1, .listen))
        for _ in 0..<600 {
            world.reply = answer()
            switch Int.random(in: 0..<30, using: &generator) {
            case 0: if world.connections.last?.closedWith == nil, !world.connections.isEmpty { world.end(1006) }
            case 1: if let last = world.connections.indices.last { world.connections[last].isStalled.toggle() }
            case 2: world.reply = PollAnswer(["status": 502, "body": "away"])
            case 3: world.reply = nil
            case 4: world.handle(.feed(1, .refresh))
            default: change()
            }
            serve()
            // An answer has at least what was told before.
            if world.reply?.status == 200 { world.reply = answer() }
            world.pass(.milliseconds(Int64.random(in: 0..<1500, using: &generator)))
            if Bool.random(using: &generator) { world.answer(answer()) }
        }
        if let last = world.connections.indices.last { world.connections[last].isStalled = false }
        world.reply = answer()
        for _ in 0..<100 {
            while world.requests.contains(where: \.isOpen) { world.answer(answer()) }
            world.pass(.seconds(1))
            serve()
        }
        #expect(world.status()?.transport == .push)
        #expect(world.states().last == answer().value)
        #expect(zip(world.states(), world.states().dropFirst()).allSatisfy { $0 != $1 })
        let told = world.changes().compactMap { $0.flatMap { Position($0) } }
        #expect(told.count == world.changes().count && zip(told, told.dropFirst()).allSatisfy { $0 < $1 })
        // From the first one on nothing is missing: history reaches back.
        let first = log.firstIndex { $0["position"]?.string == told.first?.description } ?? log.count
        #expect(log.count > 300 && told.count == log.count - first)
    }
}
