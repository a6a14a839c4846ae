import Doorbell
import DoorbellCore
import Foundation

/// What `doorbell stage` prints. Pure.
enum StageOutput {
    static func table(_ standings: [StageControl.Standing]) -> String {
        columns(
            [["feature", "stage", "percent", "since", "by", "why"]]
                + standings.map { standing in
                    let rollout = standing.rollout
                    return [
                        standing.feature, rollout.stage.rawValue, rollout.percent?.description ?? "-",
                        rollout.entry.map { date($0.since) } ?? "-", rollout.entry?.who ?? "the configuration",
                        (standing.isConfigured ? "" : "(not in the configuration) ") + (rollout.entry?.why ?? ""),
                    ]
                })
    }

    static func text(_ standing: StageControl.Standing, _ records: [StageRecord]) -> String {
        let entry = standing.rollout.entry
        let by = entry.map { ", since \(date($0.since)) by \(plain($0.who))" } ?? ", as the configuration says"
        let head = "\(standing.feature): \(standing.rollout)\(by)"
        guard !records.isEmpty else { return head }
        let rows = records.map { record in
            [
                date(record.at), record.before?.description ?? "-", record.after.description, record.who, record.login,
                record.why ?? "", record.evidence == nil ? "" : "(evidence: --json)",
            ]
        }
        return head + "\n\n" + columns([["at", "from", "to", "by", "login", "why", ""]] + rows)
    }

    private static func columns(_ rows: [[String]]) -> String {
        String(TextTable.text(rows.map { $0.map(plain) }).dropLast())
    }

    /// What people wrote is not to move the cursor of somebody's terminal.
    private static func plain(_ text: String) -> String {
        String(
            text.unicodeScalars.map { scalar in
                scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
                    ? " " : Character(scalar)
            })
    }

    /// UTC, to the second: `2026-11-26 02:10:12Z`.
    static func date(_ time: Timestamp) -> String { time.rfc3339.replacing("T", with: " ") }
}
