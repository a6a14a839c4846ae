public import DoorbellCore
import Foundation

/// Where features stand and the steps that they took, as JSON: for `doorbell stage --json` and for the admin port. Pure.
public enum StageJSON {
    public static func text(_ standings: [StageControl.Standing]) -> String { text(standings.map { members($0) }) }

    /// - Parameter records: `nil`: not asked for.
    public static func text(_ standing: StageControl.Standing, _ records: [StageRecord]?) -> String {
        var object = members(standing)
        if let records { object["audit"] = records.map(members) }
        return text(object)
    }

    /// Steps of any features, each with its feature's name.
    public static func text(_ records: [StageRecord]) -> String {
        text(["audit": records.map { members($0).merging(["feature": $0.feature]) { $1 } }])
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

    private static func text(_ object: Any) -> String {
        let options: JSONSerialization.WritingOptions = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return (try? JSONSerialization.data(withJSONObject: object, options: options))
            .map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
