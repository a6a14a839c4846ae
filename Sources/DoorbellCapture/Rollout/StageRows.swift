import DoorbellCore

/// Rows of ``RolloutSchema``'s queries, read.
enum StageRows {
    /// A row that says something that this version does not know is left out.
    static func rollouts(_ rows: PGResult) -> [String: Rollout] {
        var rollouts: [String: Rollout] = [:]
        for row in 0..<rows.count {
            guard let feature = rows.text(row, 0), let stage = rows.text(row, 1).flatMap({ Stage(rawValue: $0) }),
                let revision: Int64 = rows.integer(row, 3), let since: Int64 = rows.integer(row, 4)
            else { continue }
            rollouts[feature] = Rollout(
                stage, percent: rows.text(row, 2).flatMap { Percent($0) },
                entry: Rollout.Entry(
                    revision: revision, since: Timestamp(microseconds: since), who: rows.text(row, 5) ?? "",
                    why: rows.text(row, 6)))
        }
        return rollouts
    }

    static func records(_ rows: PGResult) -> [StageRecord] {
        (0..<rows.count).compactMap { row in
            guard let revision: Int64 = rows.integer(row, 0), let at: Int64 = rows.integer(row, 1),
                let after = rollout(rows, row, 5)
            else { return nil }
            return StageRecord(
                revision: revision, at: Timestamp(microseconds: at), feature: rows.text(row, 2) ?? "",
                before: rollout(rows, row, 3), after: after, who: rows.text(row, 7) ?? "",
                login: rows.text(row, 8) ?? "", why: rows.text(row, 9), evidence: rows.text(row, 10))
        }
    }

    private static func rollout(_ rows: PGResult, _ row: Int, _ column: Int) -> Rollout? {
        rows.text(row, column).flatMap { Stage(rawValue: $0) }
            .map { Rollout($0, percent: rows.text(row, column + 1).flatMap { Percent($0) }) }
    }
}
