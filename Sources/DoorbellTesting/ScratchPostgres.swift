import DoorbellCore
import Foundation
import Synchronization

/// A PostgreSQL cluster of its own in a temporary folder, for tests and benchmarks: on a free port of the loopback
/// interface, ended and removed when the process ends.
///
/// Needs `initdb` of any version from 13 in `/usr/lib/postgresql/*/bin` or on the PATH. As root it runs as user `postgres`.
public final class ScratchPostgres: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// The folder that holds everything.
    public let folder: String
    public let port: Int
    private let binaries: String
    private let databases = Atomic<Int>(0)

    /// Starts a cluster; takes about a second.
    ///
    /// - Parameters:
    ///   - settings: Lines of `postgresql.conf`, such as `max_prepared_transactions = 10`.
    ///   - durable: Whether commits are flushed. Off is faster, and safe for everything but a crash of the machine.
    public init(settings: [String] = [], durable: Bool = false) throws {
        self.binaries = try Self.findBinaries()
        Self.removeLeftovers()
        (self.folder, self.port) = try Self.makeFolder()
        try asOwner("initdb", ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"])
        try configure(
            [
                "port = \(port)", "listen_addresses = '127.0.0.1'", "unix_socket_directories = '\(folder)'",
                "max_connections = 100", "fsync = \(durable ? "on" : "off")", "shared_buffers = 64MB",
                "log_min_messages = warning", "logging_collector = off",
            ] + settings)
        try start()
        Self.running.withLock { $0.append(self) }
        Self.registerExit()
    }

    /// A standby of `primary`, as `pg_basebackup -R` makes it, on a port of its own.
    public init(standbyOf primary: ScratchPostgres) throws {
        self.binaries = primary.binaries
        (self.folder, self.port) = try Self.makeFolder()
        try asOwner("pg_basebackup", ["-D", data, "-R", "-X", "stream", "-c", "fast", "-d", primary.conninfo()])
        try configure([
            "port = \(port)", "unix_socket_directories = '\(folder)'", "hot_standby = on",
        ])
        try start()
        Self.running.withLock { $0.append(self) }
        Self.registerExit()
    }

    private var data: String { folder + "/data" }

    /// What libpq takes, for a database of the cluster.
    public func conninfo(database: String = "postgres", user: String = "postgres") -> String {
        "host=127.0.0.1 port=\(port) dbname=\(database) user=\(user) connect_timeout=10"
    }

    /// A new, empty database. - Returns: Its conninfo.
    public func makeDatabase() throws -> String {
        let name = "test_\(databases.add(1, ordering: .relaxed).newValue)"
        let admin = try ScratchConnection(conninfo())
        try admin.run("create database \(name)")
        return conninfo(database: name)
    }

    public func start() throws {
        // After a crash the old server's shared memory may take a moment to be let go.
        var attempts = 20
        while true {
            do {
                return try asOwner("pg_ctl", ["-D", data, "-l", folder + "/log", "-w", "-s", "start"])
            } catch {
                attempts -= 1
                guard attempts > 0 else { throw error }
                usleep(200_000)
            }
        }
    }

    /// - Parameter immediate: As a crash: no shutdown checkpoint, recovery at the next start.
    public func stop(immediate: Bool = false) throws {
        try asOwner("pg_ctl", ["-D", data, "-w", "-s", "-m", immediate ? "immediate" : "fast", "stop"])
    }

    public func restart(immediate: Bool = false) throws {
        try stop(immediate: immediate)
        try start()
    }

    /// Of the server's first process; `nil` while it does not run.
    public var processID: Int32? {
        let lines = try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)
        return lines?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// The end of what the server has logged.
    public var lastLines: String {
        let text = (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").suffix(5).joined(separator: "\n")
    }

    /// `kill -9` of the server itself; its processes end when they notice.
    public func crash() throws {
        if let processID { kill(processID, SIGKILL) }
    }

    /// A program of the same PostgreSQL, such as `pgbench`.
    public func program(_ name: String) -> String { binaries + "/" + name }

    /// Ends the server and removes the folder.
    public func remove() {
        try? stop(immediate: true)
        try? FileManager.default.removeItem(atPath: folder)
        Self.running.withLock { $0.removeAll { $0 === self } }
    }

    // MARK: Inside

    private static let running = Locked<[ScratchPostgres]>([])
    private static let registered = Atomic<Bool>(false)

    private static func registerExit() {
        guard !registered.exchange(true, ordering: .relaxed) else { return }
        atexit {
            for cluster in ScratchPostgres.running.withLock({ $0 }) { cluster.remove() }
        }
    }

    /// Clusters of test processes that were killed.
    private static func removeLeftovers() {
        let temporary = NSTemporaryDirectory()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? []
        where name.hasPrefix("doorbell-pg-") {
            guard let pid = name.split(separator: "-").dropFirst(2).first.flatMap({ Int32($0) }), kill(pid, 0) != 0,
                errno == ESRCH
            else { continue }
            let lines = try? String(contentsOfFile: temporary + name + "/data/postmaster.pid", encoding: .utf8)
            if let server = lines?.split(separator: "\n").first.flatMap({ Int32($0) }), isRunning(server, in: name) {
                kill(server, SIGQUIT)
                // While it ends it still writes files, and a folder with a new one in it is not removed.
                for _ in 0..<100 where kill(server, 0) == 0 { usleep(50_000) }
            }
            try? FileManager.default.removeItem(atPath: temporary + name)
        }
    }

    /// Whether the process is a server of that folder: its number may be another program's by now.
    private static func isRunning(_ server: Int32, in folder: String) -> Bool {
        guard let command = FileManager.default.contents(atPath: "/proc/\(server)/cmdline") else {
            return !FileManager.default.fileExists(atPath: "/proc/self") && kill(server, 0) == 0
        }
        return String(decoding: command, as: UTF8.self).contains(folder)
    }

    private static func makeFolder() throws -> (folder: String, port: Int) {
        let folder = NSTemporaryDirectory() + "doorbell-pg-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try? FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder)
        if getuid() == 0 { try command("/bin/chown", ["postgres", folder]) }
        return (folder, try freePort())
    }

    private func configure(_ lines: [String]) throws {
        let path = folder + "/extra.conf"
        try lines.joined(separator: "\n").appending("\n").write(toFile: path, atomically: false, encoding: .utf8)
        try Self.command("/bin/sh", ["-c", "cat '\(path)' >> '\(data)/postgresql.conf'"])
    }

    private func asOwner(_ program: String, _ arguments: [String]) throws {
        if getuid() == 0 {
            try Self.command(
                "/usr/bin/env", ["runuser", "-u", "postgres", "--", binaries + "/" + program] + arguments, in: folder)
        } else {
            try Self.command(binaries + "/" + program, arguments, in: folder)
        }
    }

    /// Runs a program to its end. - Throws: ``Failure`` with what it said when its status is not 0.
    static func command(_ path: String, _ arguments: [String], in folder: String? = nil) throws {
        // Not Foundation's Process: it waits until every descendant has closed a descriptor, and the server never does.
        let output = NSTemporaryDirectory() + "doorbell-command-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        defer { unlink(output) }
        let shell = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", folder ?? "/", path] + arguments
        var words = shell.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Pool threads block signals, and a server that inherited that could not be told to end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid = pid_t()
        guard posix_spawn(&pid, "/bin/sh", &actions, &attributes, &words, environ) == 0 else {
            throw Failure(description: "cannot start \(path)")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        guard status == 0 else {
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            throw Failure(description: "\(path) \(arguments.joined(separator: " ")): \(text)")
        }
    }

    private static func findBinaries() throws -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }
        for version in versions.sorted(by: >) {
            let path = "\(root)/\(version)/bin"
            if FileManager.default.isExecutableFile(atPath: path + "/initdb") { return path }
        }
        for path in (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        where FileManager.default.isExecutableFile(atPath: path + "/initdb") {
            return String(path)
        }
        throw Failure(description: "no initdb: install a PostgreSQL server (Debian: apt install postgresql)")
    }
}
