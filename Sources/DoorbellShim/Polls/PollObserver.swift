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
    private let pollers: PollerBook?
    private let metrics: ShimMetrics
    private let memory: Locked<PollMemory>
    private let now: @Sendable () -> Timestamp

    init(
        features: [Feature], hub: Hub, ledger: LedgerRecorder?, parity: ParityRecorder?, rollouts: RolloutBoard,
        pollers: PollerBook?, capacity: Int, now: @escaping @Sendable () -> Timestamp
    ) {
        self.metrics = ShimMetrics(features: features)
        self.hub = hub
        self.ledger = ledger
        self.rollouts = rollouts
        self.parity = parity
        self.pollers = pollers
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

    /// Who polls a feature that push has begun for; `nil`: it has not, or nobody wants to know.
    func caller(_ feature: Feature, _ headers: HTTPHeaders, from origin: RequestOrigin) -> PollCaller? {
        guard pollers != nil, rollouts.stage(of: feature) >= .canary else { return nil }
        return PollCaller(
            key: PollerLedger.Key(feature, headers: headers, from: origin),
            agent: headers.first(name: "user-agent").map { String($0.prefix(PollerLedger.maximumAgent)) },
            usesPush: rollouts.usesPush(feature, headers: headers, from: origin))
    }

    /// - Parameters:
    ///   - digest: Of the body; `nil` for an answer without one.
    ///   - caller: Noted among those that poll still.
    func answered(
        _ poll: FeatureCatalog.Poll, key: PollMemory.Key, status: HTTPResponseStatus, digest: UInt64?, bytesUp: Int,
        bytesDown: Int, position: Position?, servedBy: ServedBy = .origin, caller: PollCaller? = nil
    ) {
        let feature = poll.feature
        metrics.answered(feature, at: rollouts.stage(of: feature), status: status, bytes: bytesDown, servedBy: servedBy)
        var entry = Ledger.Poll(
            isUnchanged: false, bytesUp: bytesUp, bytesDown: bytesDown, staleness: [], isError: status.code >= 500)
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
        if let caller { note(caller, feature, hasNews: !entry.staleness.isEmpty) }
    }

    /// - Parameter hasNews: Whether something was told on the URL's channels since its last poll.
    private func note(_ caller: PollCaller, _ feature: Feature, hasNews: Bool) {
        // A client that is told to poll is on its way there, and one that was signalled has to.
        let isNeeded = !caller.usesPush || (hasNews && feature.sendsSignals)
        let isDouble = pollers?.polled(caller.key, agent: caller.agent, isNeeded: isNeeded, at: now()) ?? false
        if isDouble { metrics.polledTwice(feature) }
    }

    /// There was no answer, or it broke off.
    func failed(_ poll: FeatureCatalog.Poll) {
        ledger?.record(
            Ledger.Poll(isUnchanged: false, bytesUp: 0, bytesDown: 0, staleness: [], isError: true),
            of: poll.feature.name)
    }
}
