import Doorbell
import DoorbellCore
import Foundation

/// What `doorbell stage` prints. Pure.
enum StageOutput {
    // MARK: For people

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

    /// To the left, two spaces between.
    private static func columns(_ rows: [[String]]) -> String {
        let rows = rows.map { $0.map(plain) }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
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

    // MARK: JSON

    static func json(_ standings: [StageControl.Standing]) -> String { json(standings.map { members($0) }) }

    /// - Parameter records: `nil`: not asked for.
    static func json(_ standing: StageControl.Standing, _ records: [StageRecord]?) -> String {
        var object = members(standing)
        if let records { object["audit"] = records.map(members) }
        return json(object)
    }

    private static func members(_ standing: StageControl.Standing) -> [String: Any] {
        let (rollout, entry) = (standing.rollout, standing.rollout.entry)
        let members: [String: Any?] = [
            "feature": standing.feature, "stage": rollout.stage.rawValue, "percent": number(rollout.percent),
            "since": entry?.since.rfc3339, "by": entry?.who, "why": entry?.why,
            "revision": entry?.revision ?? 0, "configured": standing.isConfigured,
        ]
        return members.compactMapValues(\.self)
    }

    private static func members(_ record: StageRecord) -> [String: Any] {
        // It came from a column of the type jsonb.
        let evidence = record.evidence.flatMap {
            try? JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed)
        }
        let members: [String: Any?] = [
            "revision": record.revision, "at": record.at.rfc3339, "from": record.before?.stage.rawValue,
            "fromPercent": number(record.before?.percent), "to": record.after.stage.rawValue,
            "percent": number(record.after.percent), "by": record.who, "login": record.login, "why": record.why,
            "evidence": evidence,
        ]
        return members.compactMapValues(\.self)
    }

    private static func number(_ percent: Percent?) -> Double? { percent.map { Double($0.hundredths) / 100 } }

    private static func json(_ object: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? JSONSerialization.data(withJSONObject: object, options: options))
            .map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
