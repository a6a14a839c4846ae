import DoorbellCore
import DoorbellServer
import Foundation

/// Whether this machine lets the service have as many connections as it is configured for.
enum DescriptorExamination {
    private static let id = "machine.descriptors"

    /// - Parameter limits: What `/proc/self/limits` says; the service raises its limit to the hard one.
    static func finding(
        connections: Int, tunnels: Int,
        limits: String = (try? String(contentsOfFile: "/proc/self/limits", encoding: .utf8)) ?? ""
    ) -> Finding {
        let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") }
        guard let limit = line?.split(separator: " ").dropFirst(4).first.flatMap({ Int($0) }) else {
            return .skipped(id, "the limit of open files is not known", mend: "`ulimit -Hn` tells it.")
        }
        var server = ServerConfiguration()
        server.maximumTunnels = tunnels
        let possible = server.possibleConnections(descriptors: limit)
        guard possible < connections else {
            return .ok(id, "the limit of open files is \(limit), enough for \(connections) connections")
        }
        return .warn(
            id, "the limit of open files is \(limit): room for \(possible) connections, not \(connections)",
            why: "Beyond them clients are refused with 503 and go on polling.",
            mend: "Raise it for the service (LimitNOFILE= in systemd, ulimit -n), or lower limits.connections.")
    }
}
