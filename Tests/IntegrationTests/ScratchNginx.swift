import DoorbellCore
import DoorbellTesting
import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// An nginx of the test's own, from the system's package, in a temporary folder on a free port; ended by its own pid.
final class ScratchNginx: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }
    var accessLog: String { folder + "/access.log" }
    private let folder: String
    private let process: Locked<Process>

    /// - Parameters:
    ///   - upstream: The port on this machine that everything is passed on to.
    ///   - location: More lines of the one location.
    ///   - log: The format of the access log.
    ///   - upgrades: Whether requests for WebSockets are passed on.
    /// - Returns: `nil` where there is no nginx.
    init?(to upstream: Int, location: String = "", log: String = "combined", upgrades: Bool = true) async throws {
        let places = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx", "/opt/homebrew/bin/nginx"]
        guard let program = places.first(where: FileManager.default.isExecutableFile) else { return nil }
        port = try freePort()
        let folder = NSTemporaryDirectory() + "doorbell-nginx-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        self.folder = folder
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }
        try """
        daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
        events { worker_connections 64; }
        http {
          \(temporary.joined(separator: " "))
          log_format path '$remote_addr [$time_local] "$request_method $uri" $status';
          access_log \(folder)/access.log \(log);
          server {
            listen 127.0.0.1:\(port);
            location / {
              proxy_pass http://127.0.0.1:\(upstream);
              proxy_http_version 1.1;
              proxy_set_header Upgrade \(upgrades ? "$http_upgrade" : "''");
              proxy_set_header Connection \(upgrades ? "$http_connection" : "''");
              \(location)
            }
          }
        }
        """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        let child = Process()
        child.executableURL = URL(fileURLWithPath: program)
        child.arguments = ["-p", folder, "-c", folder + "/nginx.conf", "-e", folder + "/error.log"]
        try child.run()
        process = Locked(child)
        let deadline = Date(timeIntervalSinceNow: 20)
        while true {
            if let url = URL(string: url), (try? await URLSession.shared.data(from: url)) != nil { return }
            guard child.isRunning, Date() < deadline else {
                let log = (try? String(contentsOfFile: folder + "/error.log", encoding: .utf8)) ?? ""
                throw Failure(description: "nginx does not start: \(log)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    deinit {
        process.withLock { child in
            // Signals that a thread of the tests has blocked stay blocked in its children; this one cannot be.
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        try? FileManager.default.removeItem(atPath: folder)
    }
}
