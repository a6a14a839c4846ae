import DoorbellCore
import DoorbellServer

/// What `doorbell connections` prints. Pure.
enum ConnectionTable {
    private static let columns = [
        "session", "transport", "address", "user", "open", "channels", "behind", "buffered", "lagged", "resets",
        "conflated", "agent",
    ]
    /// The widest text that is shown in a column.
    private static let widest = 40

    static func text(_ report: ConnectionReport) -> String {
        let rows =
            [columns]
            + report.connections.map { info in
                [
                    info.id, info.transport, info.address ?? "-", info.user ?? "-", age(info.seconds),
                    String(info.subscriptions), String(info.behind), size(info.bufferedBytes),
                    String(info.timesBehind), String(info.resets), String(info.conflated), info.userAgent ?? "-",
                ].map(plain)
            }
        let summary = "\(report.open) open, \(report.pushed) pushed to, \(report.connections.count) shown\n"
        return report.connections.isEmpty ? summary : TextTable.text(rows) + "\n" + summary
    }

    /// Users and agents are what clients say they are: nothing of it may move the cursor of a terminal.
    private static func plain(_ text: String) -> String {
        String(text.unicodeScalars.prefix(widest).map { (0x20..<0x7F).contains($0.value) ? Character($0) : "?" })
    }

    /// `12 s`, `3 min 8 s`, `2 h 5 min`, `1 d 3 h`.
    static func age(_ seconds: Double) -> String {
        let whole = Int(min(max(0, seconds), 1e12))
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole % 3600 / 60) min"
        default: return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
        }
    }

    static func size(_ bytes: Int) -> String {
        switch bytes {
        case ..<1024: "\(bytes) B"
        case ..<(1 << 20): "\(bytes >> 10) KiB"
        default: "\(bytes >> 20) MiB"
        }
    }
}
