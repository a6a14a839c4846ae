import AsyncHTTPClient
import DoorbellCore
import DoorbellTesting
import Foundation
import NIOCore
import NIOHTTP1

/// Where a simulation takes place: a PostgreSQL cluster and child processes of its own, all gone after ``remove()``. Files are in the
/// cluster's folder.
final class SimulationSite: Sendable {
    private static let database = "simulation"

    private let program: String
    private let plan: SimulationPlan
    private let folder: String
    private let cluster: ScratchPostgres
    /// Of PostgreSQL's first process.
    let postgres: Int32
    private let children = Locked<[ChildProcess]>([])

    /// Starts PostgreSQL.
    ///
    /// - Parameter program: The `doorbell` command.
    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/system``.
    init(_ plan: SimulationPlan, program: String) throws {
        self.plan = plan
        self.program = program
        do {
            cluster = try ScratchPostgres(durable: true)
        } catch let error as ScratchPostgres.Failure {
            throw DoorbellError(.system, "cannot start PostgreSQL: \(error)")
        }
        folder = cluster.folder + "/simulation"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try ScratchConnection(cluster.conninfo()).run("create database \(Self.database)")
            postgres = cluster.processID ?? 0
        } catch {
            cluster.remove()
            throw error
        }
    }

    var conninfo: String { cluster.conninfo(database: Self.database) }

    /// Ends the children and PostgreSQL, and removes what they left.
    func remove() async {
        await stopChildren()
        cluster.remove()
    }

    // MARK: The database

    /// The table as each phase finds it: rows of all users, nothing else.
    func makeRows() throws {
        let connection = try ScratchConnection(conninfo)
        try connection.run(
            """
            drop table if exists notifications;
            create table notifications (
                user_id integer not null, slot integer not null, title text not null, body text not null,
                is_read boolean not null default false, revision bigint not null default 0,
                changed_at timestamptz not null default now(), primary key (user_id, slot));
            insert into notifications (user_id, slot, title, body)
                select u, s, 'Notification number ' || s, 'Something has happened that user ' || u || ' may want to know of'
                from generate_series(1, \(plan.clients)) u, generate_series(1, \(SimulationPlan.rowsPerUser)) s
            """)
        try connection.run("vacuum analyze notifications")
        try connection.run("checkpoint")
    }

    /// Commits and rollbacks of the simulated database so far, as PostgreSQL counts them, which is up to a second late.
    func transactions() throws -> Int {
        let text = try ScratchConnection(cluster.conninfo()).run(
            "select xact_commit + xact_rollback from pg_stat_database where datname = '\(Self.database)'")
        return text.first?.first?.flatMap { Int($0) } ?? 0
    }

    /// `PostgreSQL 15.4`.
    func version() throws -> String {
        let text = try ScratchConnection(cluster.conninfo()).run("show server_version").first?.first ?? nil
        return "PostgreSQL " + (text?.prefix { $0 != " " } ?? "")
    }

    // MARK: Processes

    /// - Returns: Its port.
    func startLegacy(hasEntityTags: Bool) async throws -> (child: ChildProcess, port: Int) {
        let child = try start(
            "the legacy API", ["simulated-api", "--database", conninfo] + (hasEntityTags ? ["--entity-tags"] : []))
        let port = try await child.line { $0.hasPrefix("port ") ? Int($0.dropFirst(5)) : nil }
        return (child, port)
    }

    /// Installs Doorbell in the database, and starts it in front of the legacy API.
    ///
    /// - Returns: Its port.
    func startDoorbell(_ kind: PhaseKind, upstream: Int) async throws -> (child: ChildProcess, port: Int) {
        let file = folder + "/doorbell.yaml"
        try configuration(kind, upstream: upstream).write(toFile: file, atomically: false, encoding: .utf8)
        try await start("doorbell install", ["install", "--config", file]).untilDone()
        let child = try start("Doorbell", ["serve", "--config", file, "--end-with-input"])
        let port = try await child.line(Self.port(inAnnouncement:))
        try await untilReady(child, port: port)
        return (child, port)
    }

    /// Takes Doorbell out of the database.
    func uninstallDoorbell() async throws {
        try await start("doorbell uninstall", ["uninstall", "--config", folder + "/doorbell.yaml"]).untilDone()
    }

    /// - Throws: When a process that should run does not.
    func check() throws {
        if let child = children.withLock({ $0.first { $0.ended != nil } }) { throw child.failure }
        if postgres > 0, kill(postgres, 0) != 0 {
            throw DoorbellError(.database, "PostgreSQL has ended; its last lines:\n\(cluster.lastLines)")
        }
    }

    func stopChildren() async {
        // The one that others stand behind first.
        for child in children.withLock({ $0 }).reversed() { await child.stop() }
        children.withLock { $0 = [] }
    }

    private func start(_ name: String, _ arguments: [String]) throws -> ChildProcess {
        let log = "\(folder)/\(arguments[0])-\(UInt32.random(in: 0 ... .max)).log"
        let child = try ChildProcess(name, program: program, arguments, log: log)
        // Commands end by themselves, and are not watched.
        if arguments[0] == "serve" || arguments[0] == "simulated-api" { children.withLock { $0.append(child) } }
        return child
    }

    private func untilReady(_ child: ChildProcess, port: Int) async throws {
        for _ in 0..<600 {
            let url = "http://127.0.0.1:\(port)/_doorbell/health/ready"
            if let answer = try? await HTTPClient.shared.get(url: url, deadline: .now() + .seconds(2)).get(),
                answer.status == .ok
            {
                return
            }
            try Task.checkCancellation()
            if child.ended != nil { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw child.failure
    }

    /// `doorbell: 127.0.0.1:1234 in front of …`.
    static func port(inAnnouncement line: Substring) -> Int? {
        let words = line.split(separator: " ")
        guard words.count > 2, words[0] == "doorbell:", words[2] == "in" else { return nil }
        return words[1].split(separator: ":").last.flatMap { Int($0) }
    }

    private func configuration(_ kind: PhaseKind, upstream: Int) -> String {
        """
        database: "\(conninfo)"
        upstream: http://127.0.0.1:\(upstream)
        listen: 127.0.0.1:0
        admin: 127.0.0.1:0
        limits: { connections: \(plan.clients + 64), tunnels: 0, idleTime: 1h }
        features:
          notifications:
            poll: GET /api/users/{user_id}/notifications
            tables:
              - name: public.notifications
                channel: user:{user_id}:notifications
            versions:
              1: [slot, title, body, is_read, revision, changed_at]
            cache: \(kind == .cached)
            stage: \(kind.isPush ? "push" : "observe")

        """
    }
}
