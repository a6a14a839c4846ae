import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import NIOHTTP1
import Synchronization

/// Watches the polls of features as they pass, for the ledger and the metrics.
final class PollObserver: Sendable {
    private let hub: Hub
    private let ledger: LedgerRecorder?
    private let memory: Mutex<PollMemory>
    private let now: @Sendable () -> Timestamp

    init(hub: Hub, ledger: LedgerRecorder?, capacity: Int, now: @escaping @Sendable () -> Timestamp) {
        self.hub = hub
        self.ledger = ledger
        self.memory = Mutex(PollMemory(capacity: capacity))
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
        bytesDown: Int, position: Position?
    ) {
        let feature = poll.feature
        count(feature, status: status, bytesDown: bytesDown)
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
                        Timer(
                            label: "doorbell_staleness_seconds",
                            dimensions: [("feature", feature.name), ("path", "poll")]
                        ).recordSeconds(seconds)
                    }
                }
            }
        }
        ledger?.record(entry, of: feature.name)
    }

    private func count(_ feature: Feature, status: HTTPResponseStatus, bytesDown: Int) {
        Counter(
            label: "doorbell_shim_requests_total",
            dimensions: [
                ("feature", feature.name), ("stage", feature.stage.rawValue), ("served_by", "origin"),
                ("status", "\(status.code / 100)xx"),
            ]
        ).increment()
        Counter(
            label: "doorbell_sent_bytes_total", dimensions: [("feature", feature.name), ("path", "poll")]
        ).increment(by: bytesDown)
    }
}
