import DoorbellCapture
public import DoorbellCore

/// What `doorbell stage` does, straight on the database, so that it works while the service is down.
public struct StageControl: Sendable {
    /// One feature as the command shows it.
    public struct Standing: Sendable, Equatable {
        public let feature: String
        public let rollout: Rollout
        /// Whether the configuration has it. The database remembers features that were taken out of the file.
        public let isConfigured: Bool
    }

    /// How many entries of the audit log are shown for a feature.
    public static let shownRecords = 20

    private let features: [Feature]
    private let store: StageStore

    public init(_ configuration: Configuration) {
        features = configuration.features
        store = StageStore(conninfo: configuration.database)
    }

    /// All features: those of the configuration in its order, then those that only the database knows.
    public func list() throws(DoorbellError) -> [Standing] {
        let rows = try store.rollouts()
        let known = Set(features.map(\.name))
        return features.map { Standing(feature: $0.name, rollout: rows[$0.name] ?? $0.start, isConfigured: true) }
            + rows.filter { !known.contains($0.key) }.sorted { $0.key < $1.key }
            .map { Standing(feature: $0.key, rollout: $0.value, isConfigured: false) }
    }

    /// One feature, and the last steps that it took, the newest first.
    public func show(_ name: String) throws(DoorbellError) -> (standing: Standing, records: [StageRecord]) {
        let feature = try feature(name)
        let rollout = try store.rollouts()[name] ?? feature.start
        return (
            Standing(feature: name, rollout: rollout, isConfigured: true),
            try store.records(of: name, limit: Self.shownRecords)
        )
    }

    /// The last steps of all features, or of one, the newest first.
    public func records(of name: String?, limit: Int) throws(DoorbellError) -> [StageRecord] {
        if let name { _ = try feature(name) }
        return try store.records(of: name, limit: limit)
    }

    /// Moves a feature.
    ///
    /// - Parameters:
    ///   - stage: `nil`: only the percentage of one that is in canary.
    ///   - percent: Of canary, which needs it.
    ///   - expected: The revision that somebody decided upon (``StageChange/expected``); `nil`: whatever is there.
    /// - Returns: Where it stood, and where it stands.
    public func move(
        _ name: String, to stage: Stage?, percent: Percent?, who: String, why: String?, expected: Int64? = nil
    ) throws(DoorbellError) -> (before: Rollout, after: Standing) {
        let feature = try feature(name)
        if let stage { try Self.check(stage, percent) }
        guard !who.isEmpty else {
            throw DoorbellError(.usage, "nobody is named who does this", hint: "Give a name with --by.")
        }
        let before = try store.rollouts()[name] ?? feature.start
        if stage == nil, before.stage != .canary {
            throw DoorbellError(
                .usage, "'\(name)' is in stage \(before.stage.rawValue), which has no percentage",
                hint: "To begin with a share of the clients: doorbell stage \(name) canary --percent N")
        }
        let after = try store.move(
            StageChange(
                feature: name, target: Rollout(stage ?? .canary, percent: percent), who: who, why: why,
                // A percentage alone was meant for the canary that it was looked up for.
                expected: expected ?? (stage == nil ? before.entry?.revision ?? 0 : nil), initial: feature.start))
        return (before, Standing(feature: name, rollout: after, isConfigured: true))
    }

    private static func check(_ stage: Stage, _ percent: Percent?) throws(DoorbellError) {
        if stage == .canary, percent == nil {
            throw DoorbellError(.usage, "canary needs a percentage", hint: "Write: canary --percent 5")
        }
        if stage != .canary, percent != nil {
            throw DoorbellError(
                .usage, "only canary has a percentage, not \(stage.rawValue)",
                hint: "Leave --percent out, or write: canary --percent N")
        }
    }

    /// - Throws: ``DoorbellError`` when the configuration has no feature of that name.
    func check(_ name: String) throws(DoorbellError) { _ = try feature(name) }

    private func feature(_ name: String) throws(DoorbellError) -> Feature { try Self.feature(name, among: features) }

    /// The feature of that name.
    ///
    /// - Throws: ``DoorbellError`` with the code `usage` and the nearest name.
    public static func feature(_ name: String, among features: [Feature]) throws(DoorbellError) -> Feature {
        if let feature = features.first(where: { $0.name == name }) { return feature }
        let names = features.map(\.name)
        throw DoorbellError(
            .usage, "the configuration has no feature '\(name)'",
            hint: Nearest.word(to: name, among: names).map { "Did you mean '\($0)'?" }
                ?? "It has: \(names.joined(separator: ", ")).")
    }
}
