import DoorbellClient
import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Testing

/// The client of programs in Swift in front of the running service.
@Suite(.serialized, .timeLimit(.minutes(3))) struct LiveFeedTests {
    static let cluster = Result { try ScratchPostgres() }

    let database: ScratchConnection
    let doorbell: DoorbellProcess
    /// Ends with the test.
    private let legacy: LegacyDatabase
    private let base: String

    init() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run("create table notes (id int primary key, user_id int, body text)")
        try database.run("create table notifications (id int primary key, body text, read bool not null default false)")
        let rows = "select json_build_object('items', coalesce(json_agg(r), '[]')) from"
        legacy = try await LegacyDatabase(
            conninfo,
            queries: [
                "/notifications":
                    "\(rows) (select id, body, read from notifications order by id desc limit 5) r",
                "/users/7/notes": "\(rows) (select id, user_id, body from notes where user_id = 7 order by id) r",
            ])
        doorbell = try DoorbellProcess(
            configuration: """
                database: \(conninfo)
                upstream: \(legacy.url)
                auth: { secret: 0123456789abcdef0123456789abcdef }
                features:
                  notes:
                    poll: GET /users/{user_id}/notes
                    tables: [{ name: notes, channel: 'user:{user_id}:notes' }]
                    authorize: { user_id: sub }
                    stage: push
                  notifications:
                    poll: GET /notifications
                    tables: [{ name: notifications, channel: notifications }]
                    versions:
                      1: [id, body, read]
                    stage: push
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
        base = "http://127.0.0.1:\(doorbell.port)"
    }

    /// What a client that polls is shown now.
    private func polled() async throws -> JSONValue {
        try JSONValue(parsing: Array(try await doorbell.get("/notifications").body.utf8))
    }

    @Test(
        "a feed polls, is pushed to, polls while the service is dead, is pushed to again, and shows what a poll shows")
    func acrossKill() async throws {
        let client = LiveClient()
        let feed = client.feed(
            "\(base)/notifications", interval: .milliseconds(500), rows: RowList(order: "-id", limit: 5))
        let changes = Locked<[String]>([])
        let states = Locked<[JSONValue]>([])
        let (changed, shown) = (feed.changes, feed.states)
        let reader = Task {
            for try await each in changed {
                let id = each.key?["id"]?.integer ?? -1
                changes.withLock { $0.append("\(each.operation?.rawValue ?? "") \(id)") }
            }
        }
        let watcher = Task { for try await each in shown { states.withLock { $0.append(each) } } }
        try await eventually("the first state is there") { feed.state == ["items": []] }
        try await eventually("it is pushed to") { feed.status.transport == .push }

        for id in 1...7 { try database.run("insert into notifications values (\(id), 'no \(id)')") }
        try database.run("update notifications set read = true where id = 6")
        try database.run("delete from notifications where id = 5")
        try await eventually("it shows what a poll shows") { try await feed.state == polled() }
        #expect(feed.state?["items"]?.array?.compactMap { $0["id"]?.integer } == [7, 6, 4, 3, 2])

        doorbell.kill()
        try await eventually("it polls") {
            feed.status.transport == .poll && feed.status.reason.hasPrefix("poll failed")
        }
        try database.run("insert into notifications values (8, 'while it was dead')")
        try database.run("delete from notifications where id = 1")
        try doorbell.serve()
        try await doorbell.untilReady()
        try await eventually("it is pushed to again", seconds: 60) { feed.status.transport == .push }
        try database.run("update notifications set body = 'last' where id = 8")
        try await eventually("it shows what a poll shows again") { try await feed.state == polled() }
        let told =
            (1...7).map { "insert \($0)" } + [
                "update 6", "delete 5", "insert 8", "delete 1", "update 8",
            ]
        try await eventually("each change was told") { changes.withLock { $0.count } >= told.count }
        #expect(changes.withLock { $0 } == told)

        await client.close()
        for each in [reader, watcher] { try await each.value }
        let seen = states.withLock { $0 }
        let last = try await polled()
        #expect(seen.last == last)
        #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 != $1 })
        try await eventually("it has left") {
            try doorbell.command("connections", ["--json"]).output.contains(#""session""#) == false
        }
    }

    /// Signed with the configured secret, for user 7, until 2100.
    private static let token =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwfQ.XOS0Kxz7OimcBMdRv303gvNx4FP4C0aY4pZM3reBbbA"

    @Test(
        "a token lets a feed in, as a header and as a subprotocol, after one that was refused",
        arguments: [false, true])
    func token(isSubprotocol: Bool) async throws {
        let asked = Locked(0)
        var settings = LiveClient.Settings()
        settings.tokenCarrier = isSubprotocol ? .subprotocol : .header
        settings.token = {
            asked.withLock { $0 += 1 }
            return asked.withLock { $0 } == 1 ? "of.somebody.else" : Self.token
        }
        let client = LiveClient(settings)
        let feed = client.feed("\(base)/users/7/notes", interval: .milliseconds(500), rows: RowList())
        try await eventually("it is pushed to") { feed.status.transport == .push }
        #expect(asked.withLock { $0 } == 2)
        try database.run("insert into notes values (1, 7, 'mine'), (2, 8, 'theirs')")
        try await eventually("it shows its own") {
            feed.state == ["items": [["id": 1, "user_id": 7, "body": "mine"]]]
        }
        await client.close()
    }
}
