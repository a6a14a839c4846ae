import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import NIOHTTP1

/// Watches the polls of features as they pass, for the ledger and the metrics.
final class PollObserver: Sendable {
    private let hub: Hub
    private let ledger: LedgerRecorder?
    private let rollouts: RolloutBoard
    let parity: ParityRecorder?
    private let metrics: ShimMetrics
    private let memory: Locked<PollMemory>
    private let now: @Sendable () -> Timestamp

    init(
        features: [Feature], hub: Hub, ledger: LedgerRecorder?, parity: ParityRecorder?,
        rollouts: RolloutBoard, capacity: Int, now: @escaping @Sendable () -> Timestamp
    ) {
        self.metrics = ShimMetrics(features: features)
        self.hub = hub
        self.ledger = ledger
        self.rollouts = rollouts
        self.parity = parity
        self.memory = Locked(PollMemory(capacity: capacity))
        self.now = now
    }

    /// Who asks for what.
    ///
    /// `Hasher` is SipHash with a seed of this process: fast, there, and nobody can make two callers or two bodies collide on
    /// purpose. Nothing that is made with it leaves the process.
    static func key(_ head: HTTPRequestHead) -> PollMemory.Key {
        var hasher = Hasher()
        hasher.combine(head.method.rawValue)
        hasher.combine(head.uri)
        for name in ["authorization", "cookie"] { hasher.combine(head.headers[name]) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// - Parameter digest: Of the body; `nil` for an answer without one.
    func answered(
        _ poll: FeatureCatalog.Poll, key: PollMemory.Key, status: HTTPResponseStatus, digest: UInt64?, bytesUp: Int,
        bytesDown: Int, position: Position?, servedBy: ServedBy = .origin
    ) {
        let feature = poll.feature
        metrics.answered(feature, at: rollouts.stage(of: feature), status: status, bytes: bytesDown, servedBy: servedBy)
        var entry = Ledger.Poll(isUnchanged: false, bytesUp: bytesUp, bytesDown: bytesDown, staleness: [])
        // An error tells nothing about the data, so it neither shows changes nor counts as unchanged.
        if (200..<300).contains(status.code) || status == .notModified {
            let seen = memory.withLock {
                $0.saw(key, digest: status == .notModified ? nil : digest, position: position)
            }
            entry.isUnchanged = seen.isUnchanged
            if let fresh = seen.fresh {
                let told = now()
                for channel in poll.channels {
                    for commit in hub.commits(on: channel, after: fresh.after, through: fresh.through) {
                        let seconds = max(0, told.seconds(since: commit))
                        entry.staleness.append(seconds)
                        metrics.showed(feature, staleness: seconds)
                    }
                }
            }
        }
        ledger?.record(entry, of: feature.name)
    }
}
