/// What parity has found so far: what `doorbell parity` shows.
public struct ParityReport: Sendable, Codable, Equatable {
    public var features: [Feature]

    public struct Feature: Sendable, Codable, Equatable {
        public var feature: String
        /// At stage observe, or with `parity.enabled: false`, nothing is compared.
        public var isCompared: Bool
        public var counts: Parity.Counts
        /// ``Parity/Counts/toldShare``.
        public var toldShare: Double?
        public var assessment: Assessment
        /// Callers that are compared now.
        public var callers: Int
        /// Why pairs were inconclusive, by reason.
        public var doubts: [String: UInt64]
        /// Places that change by themselves.
        public var ignored: [String]
        /// Newest first. Empty in the overview.
        public var samples: [Parity.Sample]

        public init(_ feature: String, _ parity: Parity, isCompared: Bool, withSamples: Bool) {
            self.feature = feature
            self.isCompared = isCompared
            self.counts = parity.counts
            self.toldShare = parity.counts.toldShare
            self.assessment = isCompared || parity.counts.compared > 0 ? Assessment(parity.counts) : .notCompared
            self.callers = parity.callers
            self.doubts = [String: UInt64](uniqueKeysWithValues: parity.doubts.map { ($0.key.rawValue, $0.value) })
            self.ignored = parity.ignored
            self.samples = withSamples ? parity.samples : []
        }
    }

    /// In one word for people.
    public enum Assessment: String, Sendable, Codable, CaseIterable {
        case match
        case misses
        case needless
        /// Fewer than ``minimumChanges`` changes: that is no success.
        case inconclusive
        case notCompared = "not compared"

        public static let minimumChanges: UInt64 = 10

        init(_ counts: Parity.Counts) {
            if counts.missed > 0 {
                self = .misses
            } else if counts.changes < Self.minimumChanges {
                self = .inconclusive
            } else {
                // A message in twenty for nothing is the price of tables that show in a part of the polls only.
                self = counts.spurious * 20 > counts.told ? .needless : .match
            }
        }
    }

    public init(features: [Feature]) { self.features = features }
}
