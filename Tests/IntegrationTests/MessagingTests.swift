import DoorbellClient
import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

/// Direct messages and at-least-once delivery, through the running service and a real database.
@Suite(.serialized, .timeLimit(.minutes(3))) struct MessagingTests {
    let cluster: ScratchPostgres
    let database: ScratchConnection
    let doorbell: DoorbellProcess
    let socket: String
    /// Ends with the test.
    private let legacy: LegacyStub

    init() async throws {
        cluster = try ServiceTests.cluster.get()
        let conninfo = try cluster.makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run("create table letters (id int primary key, user_id int not null, body text)")
        legacy = try await LegacyStub()
        doorbell = try DoorbellProcess(
            configuration: """
                database: \(conninfo)
                upstream: \(legacy.url)
                features:
                  inbox:
                    poll: GET /users/{user_id}/inbox
                    channel: user:{user_id}:inbox
                    tables: [{ name: letters, channel: 'user:{user_id}:inbox' }]
                    publish: subscribers
                    delivery: atLeastOnce
                    stage: push
                  whispers:
                    poll: GET /users/{user_id}/whispers
                    channel: user:{user_id}:whispers
                    stage: push
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
        socket = "ws://127.0.0.1:\(doorbell.port)/_doorbell/ws"
    }

    /// One device: a connection that is subscribed to a channel.
    private struct Device {
        let connection: DoorbellConnection
        var messages: Messages.AsyncIterator
        var subscribed: ReceivedMessage

        mutating func next() async throws -> ReceivedMessage {
            let text = await messages.next()
            return try #require(text.flatMap { ReceivedMessage($0) })
        }
    }

    private func device(_ channel: String = "user:7:inbox", client: String? = nil) async throws -> Device {
        let connection = try await DoorbellConnection.connect(to: socket, headers: [("Cookie", "session=7")])
        var messages = connection.messages.makeAsyncIterator()
        _ = await messages.next()
        try await connection.subscribe(channel: channel, client: client)
        let answer = await messages.next()
        return Device(
            connection: connection, messages: messages,
            subscribed: try #require(answer.flatMap { ReceivedMessage($0) }))
    }

    private func text(_ json: [UInt8]?) -> String { String(decoding: json ?? [], as: UTF8.self) }

    @Test(
        "a message of a transaction reaches every device of the user, in the order of its writes; none of one that was rolled back"
    )
    func fromSQL() async throws {
        var devices = [try await device(), try await device()]
        try database.run("begin; select doorbell.publish('user:7:inbox', '\"never\"'); rollback")
        try database.run(
            """
            begin; insert into letters values (1, 7, 'a');
            select doorbell.publish('user:7:inbox', '{"text":"hi"}', 'Ada');
            insert into letters values (2, 7, 'b');
            select doorbell.publish('user:8:inbox', '1'); commit
            """)
        for index in devices.indices {
            let (first, message, second) = (
                try await devices[index].next(), try await devices[index].next(), try await devices[index].next()
            )
            #expect(text(first.key) == #"{"id":1}"# && text(second.key) == #"{"id":2}"#)
            #expect(message.type == "message" && text(message.data) == #"{"text":"hi"}"#)
            #expect(text(message.raw).contains(#""from":"Ada""#))
            #expect(message.previous == first.position && second.previous == message.position)
            #expect(message.timestamp != nil)
        }
        // It is in the history like any other.
        var late = try await device()
        try await late.connection.unsubscribe(channel: "user:7:inbox")
        _ = try await late.next()
        try await late.connection.subscribe(channel: "user:7:inbox", since: devices[0].subscribed.position)
        #expect(try await late.next().recovered == true)
        _ = try await late.next()
        #expect(try await late.next().type == "message")
        for device in devices + [late] { await device.connection.close() }
    }

    @Test("a client's message reaches the other devices and itself, where the feature lets it")
    func fromClient() async throws {
        var (sender, other) = (try await device(), try await device())
        try await sender.connection.publish(channel: "user:7:inbox", data: Array(#"{"read":1.0}"#.utf8), id: "m1")
        var kinds: [String] = []
        for _ in 0..<2 {
            let message = try await sender.next()
            kinds.append(message.type)
            #expect(message.id == #""m1""#)
        }
        #expect(Set(kinds) == ["published", "message"])
        let message = try await other.next()
        #expect(text(message.data) == #"{"read":1.0}"# && message.position != nil)

        var whispers = try await device("user:7:whispers")
        #expect(whispers.subscribed.type == "subscribed", "a feature may have no table at all")
        try await whispers.connection.publish(channel: "user:7:whispers", data: Array("1".utf8), id: "m2")
        #expect(try await whispers.next().code == "not_allowed")
        try database.run("select doorbell.publish('user:7:whispers', '\"psst\"')")
        #expect(text(try await whispers.next().data) == #""psst""#)
        for device in [sender, other, whispers] { await device.connection.close() }
    }

    @Test(
        "kill -9 between delivery and acknowledgement: what was not acknowledged comes again, without a word of the client"
    )
    func killed() async throws {
        var first = try await device(client: "phone")
        #expect(first.subscribed.recovered == false)
        try database.run("insert into letters select n, 7, 'x' from generate_series(1, 3) n")
        let seen = try await first.next()
        for _ in 0..<2 { _ = try await first.next() }
        try await first.connection.acknowledge(channel: "user:7:inbox", position: try #require(seen.position))
        try await untilCursor("\(try #require(seen.position))")
        try database.run("select doorbell.publish('user:7:inbox', '4')")
        _ = try await first.next()
        doorbell.kill()
        try database.run("insert into letters values (5, 7, 'while it was down')")
        try doorbell.serve()
        try await doorbell.untilReady()

        var second = try await device(client: "phone")
        #expect(second.subscribed.recovered == true && second.subscribed.position == seen.position)
        var got: [String] = []
        for _ in 0..<4 {
            let message = try await second.next()
            got.append(text(message.key ?? message.data))
        }
        #expect(got == [#"{"id":2}"#, #"{"id":3}"#, "4", #"{"id":5}"#])
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains("\ndoorbell_redelivered_total 4\n"))
        await second.connection.close()
    }

    @Test("a client that is killed off before its first acknowledgement gets everything since its first subscription")
    func neverAcknowledged() async throws {
        var first = try await device(client: "tablet")
        try database.run("insert into letters values (1, 7, 'a')")
        _ = try await first.next()
        doorbell.kill()
        try doorbell.serve()
        try await doorbell.untilReady()
        var second = try await device(client: "tablet")
        #expect(second.subscribed.recovered == true)
        #expect(text(try await second.next().key) == #"{"id":1}"#)
        await second.connection.close()
    }

    @Test("the service uninstalls what messaging needs, too")
    func uninstall() async throws {
        #expect(doorbell.terminate() == 0)
        let plan = try doorbell.command("install", ["--dry-run"])
        #expect(plan.status == 0 && plan.output.contains("doorbell.publish"))
        #expect(try doorbell.command("uninstall").status == 0)
        #expect(try database.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
        let dry = try doorbell.command("install", ["--dry-run"])
        #expect(dry.output.contains("create table doorbell.cursors") && dry.output.contains("user:"))
        #expect(try database.run("select from pg_namespace where nspname = 'doorbell'").isEmpty)
    }

    /// Until some cursor of the database stands at `position`.
    private func untilCursor(_ position: String) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        let cursors = "select epoch || '.' || tick || '-' || seq from doorbell.cursors"
        while try !database.run(cursors).contains([position]) {
            try #require(ContinuousClock.now < deadline, "no cursor at \(position)")
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
