import CoreMetrics
public import DoorbellCore
public import DoorbellHub
public import DoorbellRollout
import DoorbellServer
import NIOHTTP1

/// Takes the polls of features from the event loops and compares them with what was published.
///
/// A loop only hands a poll over: ``maximumWaiting`` of ``waitingBytes`` may wait, more are dropped and counted. Comparing is done by ``run()``, on one
/// task, which sleeps while there is nothing to compare.
public final class ParityRecorder: Sendable {
    public static let maximumWaiting = 1024
    public static let waitingBytes = 16 << 20
    /// Bytes of answers that are kept over all features.
    public static let keptBytes = 64 << 20
    /// Between two comparisons, while there is something to compare.
    private static let pause = Duration.milliseconds(200)

    private struct Waiting {
        let capture: ParityCapture
        let status: HTTPResponseStatus
        let digest: UInt64
        let at: Timestamp

        var answer: Parity.Answer {
            let body: Parity.Body =
                if status == .notModified {
                    .notModified
                } else if capture.isWhole, let plain = EncodedBody.plain(capture.body, encoding: capture.encoding) {
                    .whole(plain)
                } else {
                    .digest(digest)
                }
            return Parity.Answer(
                caller: capture.caller, target: capture.target, channels: capture.channels, asked: capture.asked,
                at: at,
                run: capture.run, body: body, version: capture.version)
        }
    }

    /// What the loops touch.
    private struct Desk {
        var callers: [String: ParityCallers]
        var waiting: [Waiting] = []
        var waitingBytes = 0
        var dropped: [String: Int] = [:]
        /// Callers whose time is over.
        var over: [String: [UInt64]] = [:]
        /// Which run of capture this is; `nil` while it is not live.
        var run: UInt64?
        var runs: UInt64 = 0
        /// Everything that was committed before has been published; `nil`: nobody knows.
        var covered: Timestamp?
        var lead = ClockLead()

        var isEmpty: Bool { waiting.isEmpty && dropped.isEmpty && over.isEmpty }
    }

    private let features: [Feature]
    private let hub: Hub
    private let isCompared: @Sendable (Feature) -> Bool
    private let now: @Sendable () -> Timestamp
    private let desk: Locked<Desk>
    /// Held while comparing, by ``process()`` and whoever looks.
    private let parities: Locked<[String: Parity]>
    private let counters: [String: [Parity.Verdict: Counter]]
    /// Wakes ``run()``.
    private let work: AsyncStream<Void>
    private let ring: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - isCompared: Whether a feature is at a stage where it is compared. Asked for each poll, on its loop.
    ///   - now: Wall clock.
    public init(
        features: [Feature], hub: Hub, now: @escaping @Sendable () -> Timestamp,
        isCompared: @escaping @Sendable (Feature) -> Bool
    ) {
        self.features = features
        self.hub = hub
        self.now = now
        self.isCompared = isCompared
        let enabled = features.filter(\.parity.isEnabled)
        let bodyBytes = Self.keptBytes / max(1, enabled.count)
        var parities: [String: Parity] = [:]
        var counters: [String: [Parity.Verdict: Counter]] = [:]
        for feature in features {
            parities[feature.name] = Parity(
                settings: feature.parity, version: feature.versions.first?.version ?? .first, bodyBytes: bodyBytes)
            var byVerdict: [Parity.Verdict: Counter] = [:]
            for verdict in Parity.Verdict.allCases {
                byVerdict[verdict] = Counter(
                    label: "doorbell_parity_total",
                    dimensions: [("feature", feature.name), ("verdict", verdict.rawValue)])
            }
            counters[feature.name] = byVerdict
        }
        self.parities = Locked(parities)
        self.counters = counters
        var callers: [String: ParityCallers] = [:]
        for feature in enabled { callers[feature.name] = ParityCallers() }
        self.desk = Locked(Desk(callers: callers))
        (work, ring) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Capture

    /// Any thread.
    public func captureChanged(to status: CaptureStatus) {
        desk.withLock { desk in
            guard status.isLive != (desk.run != nil) else { return }
            desk.runs += 1
            desk.run = status.isLive ? desk.runs : nil
        }
    }

    /// A change was published, so many seconds after the moment that its commit is dated. Any thread.
    public func published(after seconds: Double) {
        let now = now()
        desk.withLock { $0.lead.record(seconds, now: now) }
    }

    /// Everything that was committed before `moment` has been published. Any thread.
    public func covered(before moment: ContinuousClock.Instant) {
        // Answers are dated by the wall clock, which is put right now and then.
        let covered = now().advanced(by: moment - ContinuousClock.now - .milliseconds(50))
        desk.withLock { $0.covered = covered }
    }

    // MARK: Polls (event loops)

    /// A poll is about to be passed on. `nil`: it is not compared.
    ///
    /// - Parameter position: Where the log stands.
    func begins(_ poll: FeatureCatalog.Poll, _ head: HTTPRequestHead, position: Position?) -> ParityCapture? {
        let feature = poll.feature
        guard let position, !poll.channels.isEmpty, head.method == .GET, !head.headers.contains(name: "range"),
            feature.parity.isEnabled, isCompared(feature)
        else { return nil }
        let caller = ParityCapture.key(head)
        let now = now()
        let run: UInt64? = desk.withLock { desk in
            guard let run = desk.run, desk.callers[feature.name]?.takes(caller, now: now) == true else { return nil }
            return run
        }
        guard let run else { return nil }
        return ParityCapture(
            feature: feature, caller: caller, target: ParityCapture.redacted(head.uri), channels: poll.channels,
            asked: position, run: run, known: ParityCapture.Known(head.headers))
    }

    /// The poll's answer was passed on whole.
    ///
    /// - Parameter digest: Of its body.
    func ended(_ capture: ParityCapture, status: HTTPResponseStatus, digest: UInt64) {
        // An error tells nothing about the data.
        guard (200..<300).contains(status.code) || status == .notModified else { return }
        let waiting = Waiting(capture: capture, status: status, digest: digest, at: now())
        change { desk in
            if desk.waiting.count < Self.maximumWaiting, desk.waitingBytes < Self.waitingBytes {
                desk.waiting.append(waiting)
                desk.waitingBytes += capture.body.count
            } else {
                desk.dropped[capture.feature.name, default: 0] += 1
            }
        }
    }

    /// To be called once a second: callers whose time is over make room. Any thread.
    @Sendable public func look() {
        let now = now()
        change { desk in
            for name in Array(desk.callers.keys) {
                guard let over = desk.callers[name]?.sweep(now: now), !over.isEmpty else { continue }
                desk.over[name, default: []] += over
            }
        }
    }

    /// Something for ``run()``, which is woken by the first of it.
    private func change(_ body: (inout Desk) -> Void) {
        let isFirst = desk.withLock { desk in
            let wasEmpty = desk.isEmpty
            body(&desk)
            return wasEmpty && !desk.isEmpty
        }
        if isFirst { ring.yield() }
    }

    // MARK: Comparing (one task)

    /// Compares until it is cancelled. To be called once.
    public func run() async {
        for await _ in work {
            // What came first may wait for capture to catch up with it, or for what comes with it.
            repeat {
                guard (try? await Task.sleep(for: Self.pause)) != nil else { return }
            } while process()
        }
    }

    /// Compares what has come, and judges what has waited long enough.
    ///
    /// - Returns: Whether some of it waits for capture still: then it is to be called again soon.
    @discardableResult
    func process() -> Bool {
        let now = now()
        let (waiting, dropped, over, run, covered, lead) = desk.withLock { desk in
            defer {
                desk.waiting = []
                desk.waitingBytes = 0
                desk.dropped = [:]
                desk.over = [:]
            }
            return (desk.waiting, desk.dropped, desk.over, desk.run, desk.covered, desk.lead.seconds(now: now))
        }
        let (grown, isWaiting): ([String: [Parity.Verdict: UInt64]], Bool) = parities.withLock { parities in
            let before = parities.mapValues(\.counts)
            // One at a time: an answer that came compressed is larger here.
            for item in waiting { parities[item.capture.feature.name]?.answered(item.answer, traffic: traffic) }
            for (name, count) in dropped { for _ in 0..<count { parities[name]?.dropped() } }
            for (name, callers) in over { for caller in callers { parities[name]?.forget(caller) } }
            var grown: [String: [Parity.Verdict: UInt64]] = [:]
            for name in Array(parities.keys) {
                parities[name]?.sweep(
                    now: now, covered: covered, lead: lead, head: hub.head, run: run, traffic: traffic)
                guard let after = parities[name]?.counts, let before = before[name], after != before else { continue }
                let since = after.since(before)
                for verdict in Parity.Verdict.allCases where since[verdict] > 0 {
                    grown[name, default: [:]][verdict] = since[verdict]
                }
            }
            return (grown, parities.values.contains(where: \.isWaiting))
        }
        for (name, verdicts) in grown {
            for (verdict, count) in verdicts { counters[name]?[verdict]?.increment(by: count) }
        }
        return isWaiting
    }

    private func traffic(_ channels: [ChannelName], _ after: Position, _ through: Position?) -> [Publication]? {
        var found: [Publication] = []
        for channel in channels {
            guard
                let publications = hub.publications(
                    on: channel, after: after, through: through, limit: Parity.maximumMessages)
            else { return nil }
            found += publications
        }
        if channels.count > 1 { found.sort { $0.position < $1.position } }
        return found
    }

    // MARK: Looking

    /// Verdicts on a feature so far.
    public func counts(of name: String) -> Parity.Counts { parities.withLock { $0[name]?.counts } ?? Parity.Counts() }

    /// The overview.
    public var report: ParityReport {
        let parities = parities.withLock { $0 }
        return ParityReport(features: features.compactMap { report($0, parities, withSamples: false) })
    }

    /// Everything about one feature; `nil`: there is none of that name.
    public func report(of name: String) -> ParityReport.Feature? {
        let parities = parities.withLock { $0 }
        return features.first { $0.name == name }.flatMap { report($0, parities, withSamples: true) }
    }

    private func report(
        _ feature: Feature, _ parities: [String: Parity], withSamples: Bool
    ) -> ParityReport.Feature? {
        parities[feature.name].map {
            ParityReport.Feature(
                feature.name, $0, isCompared: feature.parity.isEnabled && isCompared(feature), withSamples: withSamples)
        }
    }
}
