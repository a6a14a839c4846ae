import DoorbellTesting
import Foundation

/// Runs PostgreSQL's own load generator with one script: an update of one row by its key.
struct Pgbench {
    private static let script = """
        \\set id random(1, 10000)
        update items set value = value + 1, updated_at = now() where id = :id;

        """

    let cluster: ScratchPostgres
    private let file: String

    init(_ cluster: ScratchPostgres) throws {
        self.cluster = cluster
        self.file = NSTemporaryDirectory() + "doorbell-bench-\(getpid()).sql"
        try Self.script.write(toFile: file, atomically: false, encoding: .utf8)
    }

    /// Transactions a second, over the Unix socket.
    func run(_ conninfo: String, clients: Int, seconds: Int) throws -> Double {
        guard let database = conninfo.split(separator: " ").first(where: { $0.hasPrefix("dbname=") })?.dropFirst(7)
        else {
            throw BenchFailure("no database in '\(conninfo)'")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: cluster.program("pgbench"))
        process.arguments = [
            "-n", "-M", "prepared", "-c", "\(clients)", "-j", "\(min(clients, 2))", "-T", "\(seconds)", "-f", file,
            "-h", cluster.folder, "-p", "\(cluster.port)", "-U", "postgres", String(database),
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        // Its clock is a signal, which threads of ours may have blocked, and children inherit that.
        var alarm = sigset_t()
        sigemptyset(&alarm)
        sigaddset(&alarm, SIGALRM)
        pthread_sigmask(SIG_UNBLOCK, &alarm, nil)
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("tps = ") }),
            let tps = Double(line.dropFirst(6).prefix { $0 != " " })
        else { throw BenchFailure("pgbench: \(text)") }
        return tps
    }

    func remove() { unlink(file) }
}
