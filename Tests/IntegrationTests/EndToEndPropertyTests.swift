import DoorbellClient
import DoorbellCore
import DoorbellTesting
import Foundation
import Testing

/// The promise of the whole: every committed row reaches every client of its channel once, in one order, with no `reset` and
/// no gap in `previous`, whatever is killed in between.
///
/// `DOORBELL_PROPERTY_SECONDS` (default 8) says how long the writers write; `make property SECONDS=300` runs it for longer.
@Suite(.serialized) struct EndToEndPropertyTests {
    static let schema = """
        create table entries (id bigint generated always as identity primary key, room int, writer int, n int, pad text);
        create table cells (id int primary key, v bigint not null default 0);
        insert into cells select i, 0 from generate_series(0, 3) i;
        """

    static func configuration(_ conninfo: String, _ upstream: String) -> String {
        """
        database: \(conninfo)
        upstream: \(upstream)
        features:
          entries:
            poll: GET /rooms/{room}
            tables: [{ name: entries, channel: "room:{room}" }]
            history: { count: 1000000, age: 10m }
            stage: push
          cells:
            poll: GET /cells/{id}
            tables: [{ name: cells, channel: "cell:{id}" }]
            history: { count: 1000000, age: 10m }
            authorize: public
            stage: push
        """
    }

    @Test("every committed row is told once and in order while the service and PostgreSQL are killed")
    func nothingIsLost() async throws {
        let seconds = ProcessInfo.processInfo.environment["DOORBELL_PROPERTY_SECONDS"].flatMap(Double.init) ?? 8
        let postgres = try ScratchPostgres(durable: true)
        defer { postgres.remove() }
        let conninfo = try postgres.makeDatabase()
        try ScratchConnection(conninfo).run(Self.schema)
        let legacy = try await LegacyStub()
        let doorbell = try DoorbellProcess(configuration: Self.configuration(conninfo, legacy.url))
        let installed = try doorbell.command("install")
        #expect(installed.status == 0, "\(installed.error)")
        try doorbell.serve()
        try await doorbell.untilReady()

        let records = (0..<4).flatMap { [ChannelRecord(channel: "room:\($0)"), ChannelRecord(channel: "cell:\($0)")] }
        let socket = "ws://127.0.0.1:\(doorbell.port)/_doorbell/ws"
        let following = records.map { $0.follow(socket) }
        defer { for task in following { task.cancel() } }
        try await until("everybody is subscribed") { records.allSatisfy { $0.now.isSubscribed } }

        let commits = Tally()
        let stopped = Tally()
        // Threads: libpq blocks, and the tasks of the tests need their own few threads.
        let writers = (0..<6).map { writer in
            BlockingWork { Self.write(as: writer, to: conninfo, while: { stopped.total == 0 }, committed: commits.add) }
        }
        defer { stopped.add() }
        let kills = try await Self.disturb(doorbell, postgres, until: .now + .seconds(seconds))
        stopped.add()
        for writer in writers { await writer.end() }

        try await Self.compare(records, with: try ScratchConnection(conninfo), log: { doorbell.log })
        let connections = records.map(\.now.connections).reduce(0, +)
        print(
            "property: \(commits.total) commits, \(records.map(\.now.messages.count).reduce(0, +)) messages, "
                + "\(kills.service) kills of the service, \(kills.postgres) of PostgreSQL, \(connections) connections")
    }

    /// Transactions of every kind, while they are wanted. A lost connection is replaced; what was in doubt is settled by looking
    /// into the table afterwards.
    static func write(as writer: Int, to conninfo: String, while isWanted: () -> Bool, committed: () -> Void) {
        var random = SystemRandomNumberGenerator()
        var connection: ScratchConnection?
        var n = 0
        func insert(_ room: Int) -> String {
            n += 1
            let pad = Int.random(in: 0..<50, using: &random) == 0 ? 9000 : 10
            return "insert into entries (room, writer, n, pad) values (\(room), \(writer), \(n), repeat('x', \(pad)));"
        }
        while isWanted() {
            do {
                let open = try connection ?? ScratchConnection(conninfo)
                connection = open
                let room = Int.random(in: 0..<4, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0: try open.run("begin; \(insert(room)) rollback")
                case 1:
                    try open.run(
                        "begin; \(insert(room)) savepoint a; \(insert(room)) rollback to a; \(insert(room)) commit")
                case 2:
                    try open.run("begin; \(insert(room))")
                    usleep(UInt32.random(in: 1000..<300_000, using: &random))
                    try open.run("\(insert(room)) commit")
                case 3: try open.run((0..<40).map { _ in insert(Int.random(in: 0..<4, using: &random)) }.joined())
                case 4, 5, 6: try open.run("update cells set v = v + 1 where id = \(room)")
                default: try open.run(insert(room))
                }
                committed()
                if Bool.random(using: &random) { usleep(UInt32.random(in: 0..<20_000, using: &random)) }
            } catch {
                connection = nil
                usleep(20_000)
            }
        }
    }

    /// Kills the service and PostgreSQL in turn, at odd moments, and starts them again; each at least once.
    static func disturb(
        _ doorbell: DoorbellProcess, _ postgres: ScratchPostgres, until deadline: ContinuousClock.Instant
    ) async throws -> (service: Int, postgres: Int) {
        var kills = (service: 0, postgres: 0)
        while ContinuousClock.now < deadline || kills.postgres == 0 {
            try await Task.sleep(for: .milliseconds(Int.random(in: 500..<2000)))
            if kills.service <= kills.postgres {
                doorbell.kill()
                kills.service += 1
                try doorbell.serve()
            } else {
                if Bool.random() {
                    try postgres.restart(immediate: true)
                } else {
                    try postgres.crash()
                    try postgres.start()
                }
                kills.postgres += 1
            }
        }
        return kills
    }

    /// The table is the truth.
    static func compare(_ records: [ChannelRecord], with database: ScratchConnection, log: () -> String) async throws {
        let rows = try database.run("select id, room from entries order by id")
        let cells = try database.run("select id, v from cells order by id")
        func expected(_ record: ChannelRecord) -> Int {
            let number = record.channel.split(separator: ":")[1]
            return record.channel.hasPrefix("room")
                ? rows.count { $0[1] == String(number) }
                : cells.first { $0[0] == String(number) }.flatMap { Int($0[1] ?? "") } ?? -1
        }
        try await until(
            "everybody was told everything",
            {
                records.map { "\($0.channel): \($0.now.messages.count) of \(expected($0)), \($0.now.losses)" }.joined(
                    separator: "\n") + "\n" + log().suffix(3000)
            }
        ) {
            records.allSatisfy { $0.now.messages.count >= expected($0) }
        }
        for record in records {
            let now = record.now
            #expect(now.losses == [], "\(record.channel)")
            #expect(now.messages.count == expected(record), "\(record.channel)")
            let positions = now.messages.compactMap { $0.position.flatMap { Position($0) } }
            #expect(positions.count == now.messages.count)
            #expect(zip(positions, positions.dropFirst()).allSatisfy { $0 < $1 }, "\(record.channel) is out of order")
            let data = now.messages.compactMap { try? RowImage(json: $0.data ?? []) }
            if record.channel.hasPrefix("room") {
                let number = String(record.channel.split(separator: ":")[1])
                let told = Set(data.compactMap { $0.text(of: "id") ?? nil })
                #expect(told == Set(rows.filter { $0[1] == number }.compactMap { $0[0] }), "\(record.channel)")
                for writer in 0..<6 {
                    let numbers = data.filter { $0.text(of: "writer") == "\(writer)" }.compactMap {
                        Int(($0.text(of: "n") ?? nil) ?? "")
                    }
                    #expect(
                        zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 },
                        "a writer's own order on \(record.channel)")
                }
            } else {
                #expect(data.compactMap { Int(($0.text(of: "v") ?? nil) ?? "") } == Array(1...max(1, expected(record))))
            }
        }
    }
}

/// Work that blocks, on a thread of its own.
final class BlockingWork: Sendable {
    private let done = Tally()

    init(_ body: @escaping @Sendable () -> Void) {
        let done = done
        Thread.detachNewThread {
            body()
            done.add()
        }
    }

    func end() async {
        while done.total == 0 { try? await Task.sleep(for: .milliseconds(5)) }
    }
}

/// Counts on many threads.
final class Tally: Sendable {
    private let count = Locked(0)
    var total: Int { count.withLock { $0 } }
    @Sendable func add() { count.withLock { $0 += 1 } }
}

/// Waits for a condition, looking often, for at most a minute.
func until(_ what: String, _ details: () -> String = { "" }, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw DoorbellProcess.Failure(description: "waited in vain until \(what)\n\(details())")
}
