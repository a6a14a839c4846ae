import DoorbellClient
import DoorbellCore
import DoorbellTestSupport
import DoorbellTesting
import Foundation
import Testing

/// The running service as its clients and its operators see it.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ServiceTests {
    static let cluster = Result { try ScratchPostgres() }

    let database: ScratchConnection
    let doorbell: DoorbellProcess
    let socket: String
    /// Ends with the test.
    private let legacy: LegacyStub

    init() async throws {
        let conninfo = try Self.cluster.get().makeDatabase()
        database = try ScratchConnection(conninfo)
        try database.run("create table notes (id int primary key, user_id int, body text)")
        try database.run("create table notifications (id int primary key, body text, read bool not null default false)")
        legacy = try await LegacyStub()
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
                    cache: true
                    stage: push
                  board:
                    poll: GET /board
                    tables: [{ name: notes, channel: board }]
                    mode: answer
                  notifications:
                    poll: GET /notifications
                    tables: [{ name: notifications, channel: notifications }]
                    message: notification
                    versions:
                      1: [id, body, read]
                    presence: true
                    slow: conflate
                    stage: push
                    gate: { interval: 1h }
                """)
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()
        socket = "ws://127.0.0.1:\(doorbell.port)/_doorbell/ws"
    }

    @Test("the first client of any tutorial works unchanged")
    func tutorial() async throws {
        let connection = try await DoorbellConnection.connect(to: socket, subprotocols: [])
        var messages = connection.messages.makeAsyncIterator()
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        #expect(await next(&messages)?.type == "welcome")
        #expect(await next(&messages)?.type == "subscribed")
        let before = Int64(Date().timeIntervalSince1970 * 1000) - 5000
        try database.run("insert into notifications values (7, 'Look up!')")
        let message = try #require(await next(&messages))
        #expect(message.type == "notification")
        #expect(text(message.data) == #"{"id":7,"body":"Look up!","read":false}"#)
        #expect(message.operation == .insert)
        #expect(try #require(message.timestamp) > before)
        await connection.close()
    }

    @Test(
        "a database that is frozen is noticed: clients are sent back to polling, and told what they missed when it goes on"
    )
    func frozen() async throws {
        let connection = try await DoorbellConnection.connect(to: socket, subprotocols: [])
        var messages = connection.messages.makeAsyncIterator()
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        #expect(await next(&messages)?.type == "welcome")
        let subscribed = try #require(await next(&messages))
        let found = try database.run(
            "select pid from pg_stat_activity where application_name = 'doorbell' and datname = current_database()")
        let backend = try #require(found.first?.first.flatMap { $0 }.flatMap { Int32($0) })
        #expect(kill(backend, SIGSTOP) == 0)
        defer { _ = kill(backend, SIGCONT) }
        try database.run("insert into notifications values (1, 'unheard of')")
        try await until("it is noticed") {
            try await doorbell.get("/_doorbell/health/ready").status == 503
        }
        let poll = try await doorbell.get("/notifications")
        #expect(poll.status == 200 && poll.headers.lowercased().contains("doorbell-transport: poll"))
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains("doorbell_listener_up 0"))
        #expect(kill(backend, SIGCONT) == 0)
        try await until("it is back") {
            try await doorbell.get("/_doorbell/health/ready").status == 200
        }
        try await until("the metrics say so") {
            try await doorbell.get("/metrics", port: doorbell.adminPort).body.contains("doorbell_listener_up 1")
        }
        await connection.close()
        let again = try await DoorbellConnection.connect(to: socket, subprotocols: [])
        var replayed = again.messages.makeAsyncIterator()
        let since = try #require(subscribed.position)
        try await again.send(#"{"type":"subscribe","channel":"notifications","since":"\#(since)"}"#)
        #expect(await next(&replayed)?.type == "welcome")
        #expect(await next(&replayed)?.type == "subscribed")
        let message = try #require(await next(&replayed))
        #expect(text(message.data).contains("unheard of"))
        await again.close()
        #expect(doorbell.log.contains("has said nothing"))
    }

    #if os(Linux)
    @Test("a service that has nothing to do sleeps")
    func idle() async throws {
        var rate = 0.0
        try await until("it sleeps", { "its threads wake \(rate) times a second" }) {
            let (before, begun) = (try doorbell.sleeps(), ContinuousClock.now)
            try await Task.sleep(for: .seconds(3))
            let after = try doorbell.sleeps()
            let seconds = (ContinuousClock.now - begun) / .seconds(1)
            rate = Double(after.reduce(0) { $0 + $1.value - before[$1.key, default: $1.value] }) / seconds
            // A timer wakes three threads, one after the other; capture waits for the database some times in each look.
            return rate < 20
        }
    }
    #endif

    @Test("a URL that the legacy API reads as another one has no channel, because rows write their values in one way")
    func spelling() async throws {
        let own = try await doorbell.get("/users/7/notes")
        #expect(own.headers.lowercased().contains("doorbell-transport: push"))
        for other in ["/users/07/notes", "/users/+7/notes", "/users/7%20/notes"] {
            for _ in 0..<2 {
                let poll = try await doorbell.get(other)
                #expect(
                    poll.status == 200 && poll.headers.lowercased().contains("doorbell-transport: poll"), "\(other)")
                #expect(poll.headers.contains("desc=origin"), "\(other): \(poll.headers)")
            }
        }
        let connection = try await DoorbellConnection.connect(to: socket, subprotocols: [])
        var messages = connection.messages.makeAsyncIterator()
        #expect(await next(&messages)?.type == "welcome")
        for target in [#""channel":"user:07:notes""#, #""poll":"/users/07/notes""#] {
            try await connection.send(#"{"type":"subscribe",\#(target)}"#)
            let refused = try #require(await next(&messages))
            #expect(refused.type == "error" && refused.code == "unknown_channel", "\(refused)")
        }
        await connection.close()
    }

    @Test("a polled URL answers as ever, says push, and is a WebSocket itself")
    func polledURL() async throws {
        let poll = try await doorbell.get("/notifications")
        #expect(poll.status == 200 && poll.body == "{}")
        #expect(poll.headers.lowercased().contains("doorbell-transport: push"))
        #expect(poll.headers.lowercased().contains("doorbell-position: "))
        let connection = try await DoorbellConnection.connect(to: "ws://127.0.0.1:\(doorbell.port)/notifications")
        var messages = connection.messages.makeAsyncIterator()
        #expect(await next(&messages)?.type == "welcome")
        let subscribed = try #require(await next(&messages))
        #expect(subscribed.type == "subscribed" && subscribed.channel == "notifications")
        #expect(text(subscribed.snapshot).contains(#""body":{}"#))
        await connection.close()
    }

    /// Signed with the configured secret, for user 7, until 2100.
    private static let token =
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3IiwiZXhwIjo0MTAyNDQ0ODAwfQ.XOS0Kxz7OimcBMdRv303gvNx4FP4C0aY4pZM3reBbbA"

    @Test("a token lets its user in by its claims, everybody else is answered before there is a socket")
    func token() async throws {
        let url = "ws://127.0.0.1:\(doorbell.port)/users"
        let header = [("Authorization", "Bearer \(Self.token)")]
        for (user, headers, status) in [(7, [], 401), (8, header, 403)] {
            do {
                _ = try await DoorbellConnection.connect(to: "\(url)/\(user)/notes", headers: headers)
                Issue.record("user \(user) came in")
            } catch let ConnectError.refused(refusal) {
                #expect(refusal.status == status)
            }
        }
        let offered = ["doorbell.v1", "bearer.\(Self.token)"]
        let connection = try await DoorbellConnection.connect(to: "\(url)/7/notes", subprotocols: offered)
        #expect(connection.subprotocol == "doorbell.v1")
        var messages = connection.messages.makeAsyncIterator()
        #expect(await next(&messages)?.type == "welcome")
        #expect(await next(&messages)?.channel == "user:7:notes")
        try database.run("insert into notes values (1, 7, 'mine'), (2, 8, 'theirs'), (3, 7, 'mine too')")
        for number in [1, 3] {
            #expect(text(try #require(await next(&messages)).key) == #"{"id":\#(number)}"#)
        }
        await connection.close()
    }

    @Test("a client resumes across kill -9 by its position and misses nothing")
    func resume() async throws {
        let first = try await DoorbellConnection.connect(to: socket)
        var messages = first.messages.makeAsyncIterator()
        try await first.send(#"{"type":"subscribe","channel":"notifications"}"#)
        _ = await next(&messages)
        _ = await next(&messages)
        try database.run("insert into notifications values (1, 'seen')")
        let seen = try #require(await next(&messages)?.position)
        doorbell.kill()
        #expect(await next(&messages) == nil)
        #expect(await first.waitForClose().mayReconnect)
        try database.run("insert into notifications values (2, 'missed')")
        try database.run("update notifications set read = true where id = 1")
        try doorbell.serve()
        try await doorbell.untilReady()

        let second = try await DoorbellConnection.connect(to: socket)
        messages = second.messages.makeAsyncIterator()
        try await second.send(#"{"type":"subscribe","channel":"notifications","since":"\#(seen)"}"#)
        _ = await next(&messages)
        let subscribed = try #require(await next(&messages))
        #expect(subscribed.recovered == true && subscribed.position == seen)
        let missed = try #require(await next(&messages))
        #expect(missed.previous == seen && text(missed.key) == #"{"id":2}"#)
        let update = try #require(await next(&messages))
        #expect(update.previous == missed.position && update.operation == .update && update.changed == ["read"])
        await second.close()
    }

    @Test("SIGTERM says goodbye, closes with 1012 and ends with 0")
    func drain() async throws {
        let connection = try await DoorbellConnection.connect(to: socket)
        var messages = connection.messages.makeAsyncIterator()
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        _ = await next(&messages)
        _ = await next(&messages)
        let doorbell = doorbell
        let ended = Task.detached { doorbell.terminate() }
        let goodbye = try #require(await next(&messages))
        #expect(goodbye.type == "goodbye")
        #expect(try #require(goodbye.reconnectAfter) >= 0)
        #expect(await next(&messages) == nil)
        #expect(await connection.waitForClose().code.number == 1012)
        #expect(await ended.value == 0)
        #expect(try await doorbell.get("/notifications").status == 0)
    }

    @Test("a client calls the legacy API, sees who is there, and is seen by the operator")
    func callsAndPresence() async throws {
        let connection = try await DoorbellConnection.connect(to: socket)
        var messages = connection.messages.makeAsyncIterator()
        let session = try #require(await next(&messages)?.session)
        try await connection.send(#"{"type":"request","id":"a","method":"POST","path":"/orders","body":{"item":7}}"#)
        let response = try #require(await next(&messages))
        #expect(response.type == "response" && response.id == #""a""#)
        #expect(text(response.raw).hasSuffix(#""body":{}}"#))
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        #expect(await next(&messages)?.type == "subscribed")
        try await connection.send(#"{"type":"presence","channel":"notifications"}"#)
        #expect(text(await next(&messages)?.raw).contains(#""members":[{"session":"\#(session)"}]"#))

        let table = try doorbell.command("connections")
        #expect(table.status == 0 && table.error == "")
        #expect(table.output.hasPrefix("session") && table.output.contains(session))
        #expect(table.output.contains("127.0.0.1") && table.output.contains("1 pushed to, 1 shown"))
        let json = try doorbell.command("connections", ["--json", "--limit", "1"])
        #expect(json.output.contains(#""session" : "\#(session)""#) && json.output.contains(#""subscriptions" : 1"#))
        #expect(try doorbell.command("connections", ["--limit", "0"]).status == 64)
        await connection.close()
    }

    @Test(
        "a second signal does not wait for what the first one waits for",
        arguments: [(SIGTERM, 143), (SIGINT, 130)] as [(Int32, Int32)])
    func secondSignal(number: Int32, status: Int32) async throws {
        // Half a request, for which a drain waits 10 s.
        let client = try await RawClient(port: doorbell.port)
        try await client.send("POST /notifications HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        try await eventually("it is connected") {
            try await doorbell.get("/metrics", port: doorbell.adminPort).body
                .contains("doorbell_connections{transport=\"http\"} 1\n")
        }
        let started = ContinuousClock.now
        doorbell.send(signal: SIGTERM)
        try await eventually("it drains") { try await doorbell.get("/").status == 0 }
        #expect(!client.isClosed)
        doorbell.send(signal: number)
        let child = doorbell
        #expect(await Task.detached { child.untilEnded() }.value == status)
        #expect(ContinuousClock.now - started < .seconds(9))
    }

    @Test("rolled back by one command: clients are told within a second, miss nothing, and a restart does not undo it")
    func rollback() async throws {
        let connection = try await DoorbellConnection.connect(to: socket)
        var messages = connection.messages.makeAsyncIterator()
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        _ = await next(&messages)
        _ = await next(&messages)
        try database.run("select doorbell.set_stage('notifications', 'observe', why => 'incident 12')")
        let committed = ContinuousClock.now
        let told = try #require(await next(&messages))
        #expect(told.type == "transport" && told.feature == "notifications" && told.use == "poll")
        #expect(ContinuousClock.now - committed < .seconds(1))
        #expect(try await doorbell.get("/notifications").headers.lowercased().contains("doorbell-transport: poll"))
        try database.run("insert into notifications values (1, 'meanwhile')")
        #expect(text(try #require(await next(&messages)).data).contains("meanwhile"))
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains("doorbell_rollout_percent{feature=\"notifications\"} 0\n"))
        #expect(metrics.contains("doorbell_rollout_stage{feature=\"notifications\",stage=\"observe\"} 1\n"))
        #expect(try doorbell.command("stage", ["notifications"]).output.contains("incident 12"))
        await connection.close()

        #expect(doorbell.terminate() == 0)
        try doorbell.serve()
        try await doorbell.untilReady()
        #expect(try await doorbell.get("/notifications").headers.lowercased().contains("doorbell-transport: poll"))
        #expect(try doorbell.command("stage", ["notifications", "push"]).status == 0)
        try await eventually("everybody is told push") {
            try await doorbell.get("/notifications").headers.lowercased().contains("doorbell-transport: push")
        }
    }

    @Test("who polls although there is push is listed")
    func pollers() async throws {
        for _ in 0..<3 { #expect(try await doorbell.get("/notifications").status == 200) }
        let list = try doorbell.command("pollers")
        #expect(list.status == 0, "\(list.error)")
        #expect(list.output.contains("notifications  ") && list.output.contains("curl/"), "\(list.output)")
        #expect(list.output.contains("1 client polled, 0 of them while pushed the same"))
        #expect(try doorbell.command("pollers", ["notes"]).output.hasPrefix("0 clients polled"))
        let json = try doorbell.command("pollers", ["notifications", "--json"]).output
        #expect(json.contains(#""polls" : 3"#) && json.contains(#""isPushed" : false"#), "\(json)")
        let wrong = try doorbell.command("pollers", ["notifcations"])
        #expect(wrong.status == 64 && wrong.error.contains("Did you mean 'notifications'?"))
    }

    @Test("the metrics page has every metric of the README once, with help and type")
    func metrics() async throws {
        let page = try await doorbell.get("/metrics", port: doorbell.adminPort)
        #expect(page.status == 200)
        #expect(page.headers.contains("text/plain; version=0.0.4"))
        let lines = page.body.split(separator: "\n")
        let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) }
        #expect(Set(types).count == types.count)
        let readme = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("README.md")
        let promised = try String(contentsOf: readme, encoding: .utf8).split(separator: "\n")
            .filter { $0.hasPrefix("| `doorbell_") || $0.hasPrefix("| `process_") }
            .compactMap { $0.split(separator: "`").dropFirst().first.map(String.init) }
        #expect(promised.count > 10)
        #expect(Set(types) == Set(promised))
        for line in lines where !line.hasPrefix("#") {
            let name = line.prefix { $0 != "{" && $0 != " " }
            #expect(line.split(separator: " ").last.flatMap { Double($0) } != nil, "\(line)")
            #expect(types.contains { name.hasPrefix($0) }, "\(line)")
        }
    }

    @Test("a projected column that was dropped sends changes to the dead letters and clients a reset")
    func deadLetters() async throws {
        let connection = try await DoorbellConnection.connect(to: socket)
        var messages = connection.messages.makeAsyncIterator()
        try await connection.send(#"{"type":"subscribe","channel":"notifications"}"#)
        _ = await next(&messages)
        _ = await next(&messages)
        try database.run("alter table notifications drop column body")
        try database.run("insert into notifications values (1)")
        let reset = try #require(await next(&messages))
        #expect(reset.type == "reset" && reset.channel == "notifications")
        #expect(reset.position != nil)
        let letters = try await doorbell.get("/dead-letters", port: doorbell.adminPort).body
        #expect(letters.contains("'body'") && letters.contains("public.notifications"))
        let metrics = try await doorbell.get("/metrics", port: doorbell.adminPort).body
        #expect(metrics.contains("\ndoorbell_dead_letters_total 1\n"))

        // The next good change is told again.
        try database.run("alter table notifications add column body text")
        try database.run("insert into notifications values (2, true, 'back')")
        let message = try #require(await next(&messages))
        #expect(message.previous == reset.position && text(message.data) == #"{"id":2,"body":"back","read":true}"#)
        await connection.close()
    }

    private func next(_ messages: inout Messages.AsyncIterator) async -> ReceivedMessage? {
        await messages.next().flatMap { ReceivedMessage($0) }
    }

    private func text(_ json: [UInt8]?) -> String { String(decoding: json ?? [], as: UTF8.self) }
}
