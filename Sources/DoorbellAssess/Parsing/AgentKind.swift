#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// What kind of program a `User-Agent` names.
enum AgentKind: UInt8, CaseIterable, Sendable {
    case none, browser, app, program, bot, monitor

    private static let monitors: [StaticString] = [
        "kube-probe", "elb-healthchecker", "googlehc", "prometheus", "uptime", "pingdom", "check_http", "zabbix",
        "datadog", "blackbox", "nagios", "statuscake", "site24x7", "consul health", "healthcheck", "health-check",
    ]
    private static let bots: [StaticString] = [
        "bot", "crawl", "spider", "slurp", "scrapy", "facebookexternalhit", "archiver",
    ]
    private static let apps: [StaticString] = [
        "okhttp", "cfnetwork", "dart", "alamofire", "dalvik", "react-native", "expo",
    ]

    init(_ agent: UnsafeRawBufferPointer) {
        guard !agent.isEmpty, !(agent.count == 1 && agent[0] == 0x2D) else {
            self = .none
            return
        }
        // Logs with many agents ask this often, and searching in texts would cost more than all the rest of a line.
        var text = [UInt8](agent.prefix(512))
        for index in text.indices where (0x41...0x5A).contains(text[index]) { text[index] |= 0x20 }
        self = text.withUnsafeBytes { text in
            func has(_ words: [StaticString]) -> Bool {
                words.contains {
                    Self.has(text, UnsafeRawBufferPointer(start: $0.utf8Start, count: $0.utf8CodeUnitCount))
                }
            }
            if has(Self.monitors) { return .monitor }
            if has(Self.bots) { return .bot }
            if has(Self.apps) { return .app }
            return text.starts(with: "mozilla/".utf8) || text.starts(with: "opera/".utf8) ? .browser : .program
        }
    }

    private static func has(_ text: UnsafeRawBufferPointer, _ word: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress, let start = word.baseAddress else { return false }
        var from = 0
        while from + word.count <= text.count,
            let found = memchr(base + from, Int32(word[0]), text.count - word.count - from + 1)
        {
            if memcmp(found, start, word.count) == 0 { return true }
            from = base.distance(to: UnsafeRawPointer(found)) + 1
        }
        return false
    }

    var name: String {
        switch self {
        case .none: "no agent"
        case .browser: "browsers"
        case .app: "mobile apps"
        case .program: "programs"
        case .bot: "bots"
        case .monitor: "monitoring"
        }
    }
}
