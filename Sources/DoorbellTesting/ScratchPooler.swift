import Foundation

/// A PgBouncer in transaction mode in front of a ``ScratchPostgres``, on a free port of the loopback interface.
///
/// As root it runs as user `postgres`. It ends with ``remove()``, which the owner calls.
public final class ScratchPooler: Sendable {
    public let port: Int
    private let folder: String

    /// `nil`: PgBouncer is not here (Debian: `apt install pgbouncer`).
    public init?(to cluster: ScratchPostgres) throws {
        let places = ["/usr/sbin/pgbouncer", "/usr/local/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"]
        guard let program = places.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
            return nil
        }
        self.folder = cluster.folder + "/pooler-\(UInt32.random(in: 0 ... .max))"
        self.port = try freePort()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let path = folder + "/pooler.ini"
        try """
        ; With "any" everybody is logged in as the user of the database's line.
        [databases]
        * = host=127.0.0.1 port=\(cluster.port) user=postgres
        [pgbouncer]
        listen_addr = 127.0.0.1
        listen_port = \(port)
        unix_socket_dir =
        auth_type = any
        pool_mode = transaction
        pidfile = \(folder)/pid
        logfile = \(folder)/log

        """.write(toFile: path, atomically: false, encoding: .utf8)
        let root = getuid() == 0
        if root { try ScratchPostgres.command("/bin/chown", ["-R", "postgres", folder]) }
        try ScratchPostgres.command(
            "/usr/bin/env", (root ? ["runuser", "-u", "postgres", "--"] : []) + [program, "-q", "-d", path])
    }

    public func conninfo(database: String = "postgres") -> String {
        "host=127.0.0.1 port=\(port) dbname=\(database) user=postgres connect_timeout=10"
    }

    /// Ends it. Its folder goes with the cluster's.
    public func remove() {
        let text = try? String(contentsOfFile: folder + "/pid", encoding: .utf8)
        if let pid = text.flatMap({ Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) { kill(pid, SIGTERM) }
    }
}
