public import DoorbellCore
import Synchronization

/// Where every feature stands now, in this process. One for a process.
///
/// What requests ask for (stage and percentage) is one atomic load: they neither wait for each other nor for a change.
public final class RolloutBoard: Sendable {
    /// Stage and percentage in one word, so that nobody sees the one of before with the other of after.
    private final class Cell: Sendable {
        private let word: Atomic<UInt32>
        /// Made once: this is asked with every poll.
        private static let stages = Stage.allCases

        init(_ rollout: Rollout) { word = Atomic(Self.pack(rollout)) }

        func store(_ rollout: Rollout) { word.store(Self.pack(rollout), ordering: .releasing) }

        func load() -> (stage: Stage, percent: Percent) {
            let word = word.load(ordering: .acquiring)
            let index = Int(word >> 16)
            return (
                Self.stages.indices.contains(index) ? Self.stages[index] : .observe,
                Percent(hundredths: Int(word & 0xFFFF)) ?? .zero
            )
        }

        private static func pack(_ rollout: Rollout) -> UInt32 {
            let index = stages.firstIndex(of: rollout.stage) ?? 0
            return UInt32(index) << 16 | UInt32(rollout.share.hundredths)
        }
    }

    private struct State {
        var rollouts: [String: Rollout]
        var observers: [@Sendable ([Feature]) -> Void] = []
    }

    public let features: [Feature]
    private let cells: [String: Cell]
    private let state: Locked<State>

    /// Begins where the configuration says.
    public init(features: [Feature]) {
        self.features = features
        cells = Dictionary(features.map { ($0.name, Cell($0.start)) }) { first, _ in first }
        state = Locked(State(rollouts: Dictionary(features.map { ($0.name, $0.start) }) { first, _ in first }))
    }

    /// Where a feature stands, and who put it there; `nil`: it is not one of the configuration.
    public subscript(feature: String) -> Rollout? { state.withLock { $0.rollouts[feature] } }

    /// Whether a client is told to use push, if it can be had at all.
    ///
    /// - Parameter member: Asked for only when it matters who it is.
    public func usesPush(_ feature: Feature, member: () -> CohortMember) -> Bool {
        guard let (stage, percent) = cells[feature.name]?.load() else { return false }
        return Cohort.usesPush(feature, stage: stage, percent: percent, member: member)
    }

    public func stage(of feature: Feature) -> Stage { cells[feature.name]?.load().stage ?? feature.start.stage }

    /// `body` is told, after each change, which features stand elsewhere than before, or were put there by somebody else. It is called
    /// on the thread that brought the change and must not block.
    public func observe(_ body: @escaping @Sendable ([Feature]) -> Void) {
        state.withLock { $0.observers.append(body) }
    }

    /// What the database knows. Features that it does not know stand where the configuration says. To be called by one thread at a time.
    public func learn(_ rows: [String: Rollout]) {
        let (changed, observers) = state.withLock { state in
            let changed = features.filter { feature in
                let new = rows[feature.name] ?? feature.start
                guard state.rollouts[feature.name] != new else { return false }
                state.rollouts[feature.name] = new
                cells[feature.name]?.store(new)
                return true
            }
            return (changed, state.observers)
        }
        guard !changed.isEmpty else { return }
        for observer in observers { observer(changed) }
    }
}
