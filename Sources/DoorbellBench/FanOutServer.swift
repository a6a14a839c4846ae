import DoorbellTesting
import Foundation

/// A push server under measurement, in a process and on a processor of its own.
final class FanOutServer {
    enum Kind: CaseIterable {
        /// The C server: one `write()` a delivery.
        case reference
        case doorbell
        /// Doorbell that counts what it does.
        case ledger
        case nchan
        case nodeWS

        var name: String {
            switch self {
            case .reference: "C, one write each"
            case .doorbell: "Doorbell"
            case .ledger: "Doorbell with its ledger"
            case .nchan: "nginx + nchan"
            case .nodeWS: "node-ws"
            }
        }

        /// Debian packages that are missing; empty when it can be measured.
        var missingPackages: [String] {
            let needed: [(package: String, path: String)] =
                switch self {
                case .reference, .doorbell, .ledger: []
                case .nchan:
                    [
                        ("nginx", FanOutPeers.nginx), ("libnginx-mod-nchan", FanOutPeers.nchanModule),
                    ]
                case .nodeWS: [("nodejs", FanOutPeers.node), ("node-ws", FanOutPeers.nodeModules + "/ws")]
                }
            return needed.filter { !FileManager.default.fileExists(atPath: $0.path) }.map(\.package)
        }

        /// Whether it has channels of one subscriber that can be published to without HTTP.
        var hasPrivateChannels: Bool { self != .nchan }

        func loadArguments(isPrivate: Bool, isSubscribing: Bool) -> [String] {
            guard self == .doorbell || self == .ledger else { return ["--path", isPrivate ? "/c/%d" : "/all"] }
            let path = ["--path", "/_doorbell/ws"]
            guard isSubscribing else { return path + ["--ready", #""welcome""#] }
            let channel = isPrivate ? "c:%d" : "all"
            return path + [
                "--subscribe", #"{"type":"subscribe","channel":"\#(channel)"}"#, "--ready", #""subscribed""#,
            ]
        }
    }

    let kind: Kind
    let port: Int
    private let child: FanOutChild
    private let folder: String?
    let usage: ProcessUsage

    init(_ kind: Kind) throws {
        self.kind = kind
        var folder: String?
        switch kind {
        case .reference:
            child = try FanOutChild(try FanOutLoadChild.program("FanOutReference"), [], core: FanOut.serverCore)
        case .doorbell, .ledger:
            guard let own = Bundle.main.executableURL?.path else { throw BenchFailure("the bench has no path") }
            child = try FanOutChild(
                own, ["--serve-fanout"] + (kind == .ledger ? ["--ledger"] : []), core: FanOut.serverCore)
        case .nodeWS:
            folder = try FanOutPeers.makeFolder()
            child = try FanOutPeers.startNode(in: folder ?? "")
        case .nchan:
            folder = try FanOutPeers.makeFolder()
            child = try FanOutPeers.startNginx(in: folder ?? "")
        }
        self.folder = folder
        // "PORT", or "PORT PROCESS" where the child is only a shell.
        let numbers = try child.line(within: 20).split(separator: " ").compactMap { Int($0) }
        guard let port = numbers.first, port > 0 else { throw BenchFailure("\(kind.name) did not start") }
        self.port = port
        usage = ProcessUsage(numbers.count > 1 ? Int32(numbers[1]) : child.processIdentifier)
    }

    /// Publishes to everybody.
    ///
    /// - Parameters:
    ///   - rate: A second; 0 for as fast as possible.
    ///   - size: Of a message's data, in bytes; `nil` for a message of some 200. Doorbell only.
    func publish(_ count: Int, rate: Int, size: Int? = nil, by load: FanOutLoadChild) throws {
        if kind == .nchan {
            try load.ask("post /publish \(count) \(rate)")
        } else {
            try child.send("one \(count) \(rate)" + (size.map { " \($0)" } ?? ""))
        }
    }

    /// Publishes to `channels` private channels in turn.
    func publishPrivately(_ count: Int, rate: Int, channels: Int) throws {
        try child.send("many \(count) \(rate) \(channels)")
    }

    /// Waits until the last `publish` has handed everything over.
    func finish() throws {
        if kind != .nchan { _ = try child.line(within: 60) }
    }

    func stop() {
        child.stop()
        if let folder { try? FileManager.default.removeItem(atPath: folder) }
    }
}
