public import DoorbellCore

/// Whether push tells the same story as the poll, for one feature. Pure: time is an argument, messages are asked for.
///
/// Two answers to one caller are a *pair*. Did the answer change, and was there a message on the poll's channels in between? Both, or
/// neither: a match. Only a change: missed. Only a message: spurious.
///
/// **Aligned positions.** An answer is made some time after its request, and a change can be in it before capture has published the
/// change. So for each answer two positions are known: everything up to `asked`, the head before the legacy API was asked, is in it;
/// nothing after `settled`, the head once capture has published whatever was committed before the answer came, is. A change is
/// explained by any message after the first answer's `asked` that was committed before the second answer came. A message is spurious only when it
/// lies between the first answer's `settled` and the second's `asked`, so that it is in the one and not in the other for certain.
/// What lies in neither is judged with the next answer.
///
/// Bounded: ``maximumCallers`` callers with one answer each, ``maximumPending`` answers that are not settled yet, as many bytes of
/// bodies in either as it is told, ``samplesOfVerdict`` samples of each kind.
public struct Parity: Sendable {
    public static let maximumCallers = 256
    public static let maximumPending = 1024
    public static let samplesOfVerdict = 10
    /// Bytes of an answer in a sample.
    public static let sampleBody = 16 << 10
    /// Seconds after an answer within which a change may be dated that is in it: the clocks of two machines are not quite the same.
    public static let clockSlack = 0.25
    /// Messages that are known to have explained a change.
    private static let maximumExplained = 1024
    /// Messages between two answers; more cannot be judged.
    public static let maximumMessages = 4096

    private struct Entry {
        /// With the version of ``body``.
        var answer: Answer
        /// The whole answer; `nil` when only 304 was seen.
        var body: Body?
        /// No message after this is in the answer; `nil` until capture has caught up with it.
        var settled: Position?
        let serial: UInt64

        /// The answer with the body that it stands for.
        var whole: Answer {
            var answer = answer
            answer.body = body ?? .notModified
            return answer
        }
    }

    /// An answer that capture has not caught up with; with a pair, one that is judged then.
    private struct Pending {
        let caller: UInt64
        let serial: UInt64
        let answeredAt: Timestamp
        let pair: Pair?
    }

    private struct Pair {
        let first: Answer
        let second: Answer
        let differences: BodyDifferences

        var size: Int { first.body.size + second.body.size }
    }

    private let settings: ParitySettings
    private let version: SchemaVersion
    private let bodyBytes: Int
    private var entries: [UInt64: Entry] = [:]
    private var keptBytes = 0
    private var pending: [Pending] = []
    private var pendingBytes = 0
    private var serial: UInt64 = 0
    private var noise = ParityNoise()
    /// The messages that explained the last changes, in the order of being counted: each counts once for ``Counts/distinct``.
    private var explaining: Set<Position> = []
    private var explained: [Position] = []
    private var samplesByVerdict: [Verdict: [Sample]] = [:]

    public private(set) var counts = Counts()
    /// Why pairs were inconclusive.
    public private(set) var doubts: [Doubt: UInt64] = [:]

    /// - Parameters:
    ///   - version: Whose messages are replayed when the settings name none.
    ///   - bodyBytes: Of answers that are kept to compare the next ones with. Past that, new callers are not compared.
    public init(settings: ParitySettings, version: SchemaVersion = .first, bodyBytes: Int = 32 << 20) {
        self.settings = settings
        self.version = settings.items?.version ?? version
        self.bodyBytes = bodyBytes
    }

    /// Newest first.
    public var samples: [Sample] { samplesByVerdict.values.joined().sorted { $0.at > $1.at } }

    /// Places that are ignored because they change by themselves.
    public var ignored: [String] { noise.places }

    public var callers: Int { entries.count }

    /// Whether there are answers that capture has not caught up with: ``sweep(now:covered:lead:head:run:traffic:)`` is to be called.
    public var isWaiting: Bool { !pending.isEmpty }

    // MARK: Events

    /// An answer is there.
    public mutating func answered(_ answer: Answer, traffic: Traffic) {
        guard let entry = entries[answer.caller] else { return begin(answer) }
        guard entry.answer.run == answer.run, entry.answer.asked.epoch == answer.asked.epoch else {
            doubt(.captureDown)
            return begin(answer)
        }
        guard answer.asked >= entry.answer.asked else { return doubt(.overtaken) }
        guard answer.at >= entry.answer.at else {
            // By another answer, or because the clock was set back.
            doubt(.overtaken)
            return begin(answer)
        }
        // Callers that look alike may have bodies of different age, and a 304 is for the one that it was asked about.
        let isKnown = answer.body != .notModified || answer.version.isSame(as: entry.answer.version)
        guard isKnown, let known = entry.body else {
            doubt(.unknownBody)
            return begin(answer)
        }
        let differences: BodyDifferences?
        switch (known, answer.body) {
        case (_, .notModified): differences = nil
        case (let before, let after) where before == after: differences = nil
        case (.whole(let before), .whole(let after)):
            differences = compare(before, after, entry.answer, answer)
        default:
            doubt(.tooLong)
            return begin(answer)
        }
        guard let differences, !differences.isEmpty else {
            return unchanged(entry, answer, differences: nil, traffic)
        }
        switch noise.verdict(on: differences) {
        case .real: changed(entry, answer, differences, traffic)
        case .noise, .undecided: unchanged(entry, answer, differences: differences, traffic)
        }
    }

    /// The caller asks no more, or makes room for another.
    public mutating func forget(_ caller: UInt64) { drop(caller) }

    /// An answer was not looked at.
    public mutating func dropped() { doubt(.busy) }

    /// Judges the pairs that capture has caught up with. Call a few times a second.
    ///
    /// - Parameters:
    ///   - covered: Everything that was committed before has been published; `nil`: nobody knows.
    ///   - head: Where the log stands, looked at after that.
    ///   - lead: Seconds by which the database's clock is ahead of ours.
    ///   - run: Which run of capture this is; `nil`: it is not live.
    public mutating func sweep(
        now: Timestamp, covered: Timestamp?, lead: Double = 0, head: Position?, run: UInt64?, traffic: Traffic
    ) {
        // An answer from the future is from before the clock was set back.
        let due = pending.prefix { item in
            item.answeredAt > now.advanced(by: .seconds(5)) || covered.map { item.answeredAt <= $0 } ?? false
        }
        pending.removeFirst(due.count)
        for item in due {
            pendingBytes -= item.pair?.size ?? 0
            if let entry = entries[item.caller], entry.serial == item.serial, entry.settled == nil, let head {
                entries[item.caller]?.settled = max(head, entry.answer.asked)
            }
            guard let pair = item.pair else { continue }
            if pair.second.run == run { judge(pair, lead: lead, traffic) } else { doubt(.captureDown) }
        }
    }

    // MARK: Pairs

    private mutating func changed(
        _ entry: Entry, _ answer: Answer, _ differences: BodyDifferences, _ traffic: Traffic
    ) {
        let pair = Pair(first: entry.whole, second: answer, differences: differences)
        // Whether messages lead to the new rows is seen when all of them are there.
        if settings.items == nil, let published = traffic(answer.channels, entry.answer.asked, nil) {
            let latest = answer.at.advanced(by: .seconds(Self.clockSlack))
            let messages = published.filter { $0.committedAt <= latest }
            if !messages.contains(where: \.isReset), let newest = messages.last {
                told(by: newest)
                return begin(answer)
            }
        }
        begin(answer, judging: pair)
    }

    /// - Parameter differences: What may be noise; `nil`: none.
    private mutating func unchanged(
        _ entry: Entry, _ answer: Answer, differences: BodyDifferences?, _ traffic: Traffic
    ) {
        let first = entry.whole
        let elapsed = answer.at.seconds(since: entry.answer.at)
        if let settled = entry.settled, settled < answer.asked {
            guard let messages = traffic(answer.channels, settled, answer.asked) else {
                doubt(.history)
                return begin(answer)
            }
            guard !messages.contains(where: \.isReset) else {
                doubt(.reset)
                return begin(answer)
            }
            let told = messages.filter(\.isChange)
            if !told.isEmpty {
                if let differences, noise.verdict(on: differences) == .undecided {
                    doubt(.learning)
                } else {
                    counts.spurious += 1
                    let number = told.count == 1 ? "1 message" : "\(told.count) messages"
                    keep(
                        sample(.spurious, "\(number) and the answer is the same", first, answer, messages: told))
                }
                return follow(answer, settled: answer.asked)
            }
        }
        guard let messages = traffic(answer.channels, entry.answer.asked, nil) else {
            doubt(.history)
            return begin(answer)
        }
        let settled = entry.settled.map { max($0, answer.asked) }
        guard let differences else {
            if messages.isEmpty { noise.learn(nil, elapsed: elapsed) }
            counts.quiet += 1
            return follow(answer, settled: settled)
        }
        // A quiet pair is known for one when capture has caught up.
        if messages.isEmpty {
            return follow(
                answer, settled: settled, judging: Pair(first: first, second: answer, differences: differences))
        }
        if noise.verdict(on: differences) == .noise { counts.quiet += 1 } else { doubt(.learning) }
        follow(answer, settled: settled)
    }

    /// Capture has caught up: what has not been published by now is not coming.
    private mutating func judge(_ pair: Pair, lead: Double, _ traffic: Traffic) {
        guard let published = traffic(pair.second.channels, pair.first.asked, nil) else { return doubt(.history) }
        // What was committed after the answer is not in it. On a busy channel it would hide what is missed.
        let latest = pair.second.at.advanced(by: .seconds(Self.clockSlack + max(0, lead)))
        let messages = published.filter { $0.committedAt <= latest }
        guard !messages.contains(where: \.isReset) else { return doubt(.reset) }
        if messages.isEmpty {
            noise.learn(pair.differences, elapsed: pair.second.at.seconds(since: pair.first.at))
        }
        switch noise.verdict(on: pair.differences) {
        case .noise: counts.quiet += 1
        case .undecided: doubt(.learning)
        case .real where messages.isEmpty:
            counts.missed += 1
            keep(sample(.missed, "the answer changed and there was no message", pair, lines(of: pair.differences)))
        case .real:
            guard let differences = replayed(pair, messages), !differences.isEmpty else {
                if let newest = messages.last { told(by: newest) }
                return
            }
            counts.missed += 1
            let reason = "the messages do not lead to the answer: on the left what push would have shown"
            keep(sample(.missed, reason, pair, differences, messages: messages))
        }
    }

    private mutating func told(by message: Publication) {
        counts.told += 1
        guard explaining.insert(message.position).inserted else { return }
        counts.distinct += 1
        explained.append(message.position)
        if explained.count > Self.maximumExplained {
            for position in explained.prefix(Self.maximumExplained / 2) { explaining.remove(position) }
            explained.removeFirst(Self.maximumExplained / 2)
        }
    }

    private func replayed(_ pair: Pair, _ messages: [Publication]) -> [ParityDifference]? {
        guard let items = settings.items, case .whole(let before) = pair.first.body,
            case .whole(let after) = pair.second.body, let old = try? JSONTree(before), let new = try? JSONTree(after)
        else { return nil }
        return ParityReplay(items: items, ignore: settings.ignore + noise.paths, version: version)
            .differences(from: old, to: new, messages: messages, asked: pair.second.asked)
    }

    private func compare(_ before: [UInt8], _ after: [UInt8], _ first: Answer, _ second: Answer) -> BodyDifferences {
        guard let old = try? JSONTree(before), let new = try? JSONTree(after) else {
            // Not JSON: compared whole.
            var differences = BodyDifferences()
            differences.add(
                BodyDifferences.Shape(path: .root), .other,
                ParityDifference(
                    path: "$", before: Self.text(before).shortened(to: 160), after: Self.text(after).shortened(to: 160))
            )
            return differences
        }
        return BodyComparison(settings: settings, elapsed: second.at.seconds(since: first.at), at: second.at)
            .differences(from: old, to: new)
    }

    // MARK: Memory

    /// A new answer to compare with, to be settled.
    private mutating func begin(_ answer: Answer, judging pair: Pair? = nil) {
        let (body, version) = stands(answer, after: entries[answer.caller])
        drop(answer.caller)
        let size = body?.size ?? 0
        guard entries.count < Self.maximumCallers, keptBytes + size <= bodyBytes else {
            if pair != nil { wait(answer, pair) }
            return
        }
        keptBytes += size
        serial += 1
        entries[answer.caller] = Entry(answer: answer.bare(version), body: body, settled: nil, serial: serial)
        wait(answer, pair)
    }

    /// The body that `answer` stands for, as far as it is known.
    private func stands(_ answer: Answer, after entry: Entry?) -> (body: Body?, version: BodyVersion) {
        guard case .notModified = answer.body else { return (answer.body, answer.version) }
        guard let entry, answer.version.isSame(as: entry.answer.version) else { return (nil, answer.version) }
        return (entry.body, entry.answer.version)
    }

    /// The same answer again, perhaps with other noise.
    private mutating func follow(_ answer: Answer, settled: Position?, judging pair: Pair? = nil) {
        guard let entry = entries[answer.caller] else { return }
        let (body, version) = stands(answer, after: entry)
        keptBytes += (body?.size ?? 0) - (entry.body?.size ?? 0)
        entries[answer.caller] = Entry(
            answer: answer.bare(version), body: body, settled: settled, serial: entry.serial)
        if pair != nil { wait(answer, pair) }
    }

    private mutating func wait(_ answer: Answer, _ pair: Pair?) {
        guard pending.count < Self.maximumPending, pendingBytes + (pair?.size ?? 0) <= bodyBytes else {
            if pair != nil { doubt(.busy) }
            return
        }
        pendingBytes += pair?.size ?? 0
        pending.append(Pending(caller: answer.caller, serial: serial(of: answer), answeredAt: answer.at, pair: pair))
    }

    private func serial(of answer: Answer) -> UInt64 { entries[answer.caller]?.serial ?? 0 }

    private mutating func drop(_ caller: UInt64) {
        guard let entry = entries.removeValue(forKey: caller) else { return }
        keptBytes -= entry.body?.size ?? 0
    }

    private mutating func doubt(_ doubt: Doubt) {
        counts.inconclusive += 1
        doubts[doubt, default: 0] += 1
    }

    // MARK: Samples

    private mutating func keep(_ sample: Sample) {
        var kept = samplesByVerdict[sample.verdict] ?? []
        if kept.count >= Self.samplesOfVerdict { kept.removeFirst() }
        kept.append(sample)
        samplesByVerdict[sample.verdict] = kept
    }

    private func lines(of differences: BodyDifferences) -> [ParityDifference] {
        let lines = differences.lines.map { shape, line in
            var line = line
            line.isNoise = noise.verdict(on: shape, look: differences.shapes[shape] ?? .other) != .real
            return line
        }
        return Array((lines.filter { !$0.isNoise } + lines.filter(\.isNoise)).prefix(20))
    }

    private func sample(
        _ verdict: Verdict, _ reason: String, _ pair: Pair, _ differences: [ParityDifference],
        messages: [Publication] = []
    ) -> Sample {
        var sample = sample(verdict, reason, pair.first, pair.second, messages: messages)
        sample.differences = differences
        return sample
    }

    private func sample(
        _ verdict: Verdict, _ reason: String, _ first: Answer, _ second: Answer, messages: [Publication]
    ) -> Sample {
        Sample(
            verdict: verdict, reason: reason, at: second.at.milliseconds, target: second.target.shortened(to: 512),
            channels: second.channels.map(\.rawValue), after: first.asked.description, asked: second.asked.description,
            messages: messages.suffix(8).map(\.summary), differences: [], before: Self.text(first.body),
            body: second.body == .notModified ? Self.text(first.body) : Self.text(second.body))
    }

    private static func text(_ body: Body) -> String {
        switch body {
        case .whole(let bytes): text(bytes)
        case .digest, .notModified: ""
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(sampleBody), as: UTF8.self) + (bytes.count > sampleBody ? "…" : "")
    }
}

extension Parity.Answer {
    /// Without its body, which is kept apart.
    fileprivate func bare(_ version: BodyVersion) -> Parity.Answer {
        var answer = self
        answer.body = .notModified
        answer.version = version
        return answer
    }
}

extension Parity.Body {
    /// Bytes that are kept.
    fileprivate var size: Int { if case .whole(let bytes) = self { bytes.count } else { 0 } }
}

extension Publication {
    fileprivate var isReset: Bool { if case .reset = content { true } else { false } }

    /// What a poll must show. A direct message may explain a change, but no poll has to show it.
    fileprivate var isChange: Bool {
        switch content {
        case .change, .signal: true
        case .message, .reset: false
        }
    }

    /// For people: `1.20-14 user:7 update {"id":7}`.
    fileprivate var summary: String {
        let what =
            switch content {
            case .change(let operation, let renditions):
                operation.rawValue
                    + (renditions.first?.key.map { " " + String(decoding: $0, as: UTF8.self).shortened(to: 120) } ?? "")
            case .signal: "signal"
            case .message: "message"
            case .reset: "reset"
            }
        return "\(position) \(channel) \(what)"
    }
}
