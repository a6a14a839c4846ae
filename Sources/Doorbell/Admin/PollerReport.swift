import DoorbellCore
import DoorbellRollout

/// What `doorbell pollers` shows. Pure.
struct PollerReport: Encodable {
    struct Line: Encodable {
        let feature: String
        /// A number in the place of the client's name.
        let client: String
        let userAgent: String
        /// Seconds between two polls, the last ones counting most; none after one poll.
        let seconds: Double?
        let polls: UInt64
        /// Polls while it was pushed the same, and that it did not need.
        let doublePolls: UInt64
        /// Whether it is pushed the feature now.
        let isPushed: Bool
        let first: String
        let last: String
        let silentFor: Double
    }

    /// Clients of features that are listed, and how many of them poll and are pushed the same.
    let pollers: Int
    let polledTwice: Int
    let lines: [Line]

    init(_ pollers: [(poller: PollerLedger.Poller, isPushed: Bool)], limit: Int, now: Timestamp) {
        self.pollers = pollers.count
        polledTwice = pollers.count { $0.poller.doublePolls > 0 }
        lines = pollers.prefix(max(1, limit)).map { poller, isPushed in
            Line(
                feature: poller.key.feature, client: Self.hexadecimal(poller.key.identity), userAgent: poller.agent,
                seconds: poller.interval, polls: poller.polls, doublePolls: poller.doublePolls,
                isPushed: isPushed, first: poller.first.rfc3339, last: poller.last.rfc3339,
                silentFor: max(0, now.seconds(since: poller.last)))
        }
    }

    private static func hexadecimal(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: For people

    private static let columns = ["feature", "client", "every", "polls", "double", "pushed", "last", "agent"]

    var table: String {
        let rows =
            [Self.columns]
            + lines.map { line in
                [
                    line.feature, line.client, Self.every(line.seconds), String(line.polls), String(line.doublePolls),
                    line.isPushed ? "yes" : "-", ConnectionTable.age(line.silentFor) + " ago",
                    Self.plain(line.userAgent),
                ]
            }
        let summary =
            "\(pollers) client\(pollers == 1 ? "" : "s") polled, \(polledTwice) of them while pushed the same, \(lines.count) shown\n"
        return lines.isEmpty ? summary : TextTable.text(rows) + "\n" + summary
    }

    private static func every(_ seconds: Double?) -> String {
        guard let seconds else { return "-" }
        let tenths = Int((min(max(0, seconds), 1e6) * 10).rounded())
        return tenths < 1000 ? "\(tenths / 10).\(tenths % 10) s" : ConnectionTable.age(seconds)
    }

    /// Agents are what clients say they are: nothing of it may move the cursor of a terminal.
    private static func plain(_ text: String) -> String {
        text.isEmpty
            ? "-"
            : String(text.unicodeScalars.prefix(60).map { (0x20..<0x7F).contains($0.value) ? Character($0) : "?" })
    }
}
