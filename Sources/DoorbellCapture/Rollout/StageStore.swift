public import DoorbellCore

/// Where features stand, in the database: read and changed by commands and by whatever decides in a person's place.
///
/// Each call connects. All but ``moveSoon(_:)`` block until it is done: seconds at most.
public struct StageStore: Sendable {
    private let conninfo: String

    public init(conninfo: String) { self.conninfo = conninfo }

    /// One for each feature that was ever moved, by name.
    ///
    /// - Throws: ``DoorbellError`` when the database is away, or Doorbell is not installed there as this version needs it.
    public func rollouts() throws(DoorbellError) -> [String: Rollout] {
        StageRows.rollouts(try installed().query(RolloutSchema.all, []))
    }

    /// The newest entries of the audit log first.
    ///
    /// - Parameter feature: `nil`: of all features.
    public func records(of feature: String?, limit: Int) throws(DoorbellError) -> [StageRecord] {
        StageRows.records(try installed().query(RolloutSchema.records, [feature, String(limit)]))
    }

    /// Moves a feature and writes down who did it; every node hears of it when it is committed.
    ///
    /// - Returns: Where the feature stands now.
    /// - Throws: ``DoorbellError`` with the code `conflict` when it was moved since ``StageChange/expected``: nothing is changed.
    @discardableResult
    public func move(_ change: StageChange) throws(DoorbellError) -> Rollout {
        let preflight = try installed()
        do {
            _ = try preflight.connection.query(
                "select doorbell.set_stage($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                [
                    change.feature, change.target.stage.rawValue, change.target.percent?.description, change.who,
                    change.why, change.evidence, change.expected.map { String($0) }, change.initial?.stage.rawValue,
                    change.initial?.percent?.description,
                ])
        } catch  where error.sqlState == RolloutSchema.movedMeanwhile {
            throw DoorbellError(.conflict, error.message, hint: "Nothing was changed. Look at it again.")
        } catch  where error.kind == .statement && error.sqlState?.hasPrefix("22") == true {
            throw DoorbellError(.database, "the database refuses it: \(error.message)", hint: "Nothing was changed.")
        } catch {
            throw Preflight.explain(error)
        }
        let rollouts = StageRows.rollouts(try preflight.query(RolloutSchema.all, []))
        return rollouts[change.feature] ?? change.target
    }

    /// As ``move(_:)``, on a thread of its own: for what decides within the service.
    @discardableResult
    public func moveSoon(_ change: StageChange) async throws(DoorbellError) -> Rollout {
        try await CaptureThread.run { () throws(DoorbellError) -> Rollout in try move(change) }
    }

    private func installed() throws(DoorbellError) -> Preflight {
        let preflight = try Preflight(conninfo: conninfo)
        try preflight.checkSchema()
        return preflight
    }
}
