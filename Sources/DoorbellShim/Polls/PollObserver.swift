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
    private let radio: RadioSampler?
    private let metrics: ShimMetrics
    private let memory: Locked<PollMemory>
    private let now: @Sendable () -> Timestamp

    init(
        features: [Feature], hub: Hub, ledger: LedgerRecorder?, parity: ParityRecorder?, rollouts: RolloutBoard,
        pollers: PollerBook?, radio: RadioSampler?, capacity: Int, now: @escaping @Sendable () -> Timestamp
    ) {
        self.metrics = ShimMetrics(features: features)
        self.hub = hub
        self.ledger = ledger
        self.rollouts = rollouts
        self.parity = parity
        self.pollers = pollers
        self.radio = radio
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

    func answered(_ request: PolledRequest, _ answer: PolledAnswer) {
        LoopClock.note(request.path)
        radio?.polled(request.key, path: request.path, at: RadioSampler.now)
        let (poll, feature) = (request.poll, request.poll.feature)
        let status = answer.status
        metrics.answered(
            feature, at: rollouts.stage(of: feature), status: status, bytes: answer.bytesDown, servedBy: answer.servedBy
        )
        var entry = Ledger.Poll(
            isUnchanged: false, bytesUp: request.bytesUp, bytesDown: answer.bytesDown, staleness: [],
            isError: status.code >= 500)
        entry.path = request.path
        entry.cohort = request.cohort
        entry.originRequests = answer.originRequests ?? (answer.servedBy == .origin ? 1 : 0)
        entry.seconds = answer.seconds
        // An error tells nothing about the data, so it neither shows changes nor counts as unchanged.
        if (200..<300).contains(status.code) || status == .notModified {
            let seen = memory.withLock {
                $0.saw(request.key, digest: status == .notModified ? nil : answer.digest, position: answer.position)
            }
            entry.isUnchanged = seen.isUnchanged
            if seen.isUnchanged, status == .ok, request.path == .poll { entry.bytesTagsWouldSave = answer.length }
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
        if let caller = request.caller { note(caller, feature, hasNews: !entry.staleness.isEmpty) }
    }

    /// - Parameter hasNews: Whether something was told on the URL's channels since its last poll.
    private func note(_ caller: PollCaller, _ feature: Feature, hasNews: Bool) {
        // A client that is told to poll is on its way there, and one that was signalled has to.
        let isNeeded = !caller.usesPush || (hasNews && feature.sendsSignals)
        let isDouble = pollers?.polled(caller.key, agent: caller.agent, isNeeded: isNeeded, at: now()) ?? false
        if isDouble { metrics.polledTwice(feature) }
    }

    /// There was no answer, or it broke off.
    ///
    /// - Parameter servedBy: Who was asked.
    func failed(_ request: PolledRequest, servedBy: ServedBy = .origin) {
        var entry = Ledger.Poll(
            isUnchanged: false, bytesUp: request.bytesUp, bytesDown: 0, staleness: [], isError: true)
        entry.path = request.path
        entry.cohort = request.cohort
        entry.originRequests = servedBy == .origin ? 1 : 0
        ledger?.record(entry, of: request.poll.feature.name)
    }
}
