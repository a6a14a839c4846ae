import DoorbellCore

@testable import DoorbellRollout

/// A feature's polls and messages as a script: a clock, a log, and callers that poll.
struct ParityTrial {
    static let start: Int64 = 1_790_000_000_000_000
    static let channel = ChannelName("notes") ?? { fatalError("not a channel") }()

    static let poll = (try? PollPattern("GET /notes")) ?? { fatalError("not a poll") }()

    var parity: Parity
    /// Seconds since ``start``.
    private(set) var time = 0.0
    private var seq: UInt64 = 0
    private var published: [Publication] = []
    var run: UInt64? = 1
    /// Seconds by which the database's clock is ahead.
    var lead = 0.0
    /// Everything after this is in the history.
    var floor = Position(epoch: 1, tick: 1, seq: 0)
    private let feature: Feature

    init(_ settings: ParitySettings = ParitySettings()) throws {
        parity = Parity(settings: settings)
        feature = Feature(name: "notes", poll: Self.poll, tables: [])
    }

    var head: Position { Position(epoch: 1, tick: 1, seq: seq) }
    var now: Timestamp { Timestamp(microseconds: Self.start + Int64(time * 1e6)) }

    /// Lets time pass; capture is a second behind, and pairs are judged every 200 ms as in the service.
    mutating func wait(_ seconds: Double) {
        let end = time + seconds
        while time < end {
            time = min(time + 0.2, end)
            let traffic = traffic
            parity.sweep(
                now: now, covered: now.advanced(by: .seconds(-1)), lead: max(0, lead), head: head, run: run,
                traffic: traffic)
        }
    }

    /// - Parameter lag: Seconds since its commit.
    mutating func publish(_ content: Publication.Content = .signal, after lag: Double = 0) {
        seq += 1
        published.append(
            Publication(
                feature: feature, channel: Self.channel, position: head, previous: nil,
                committedAt: now.advanced(by: .seconds(lead - lag)),
                content: content))
    }

    /// A row of a table with the key `id`.
    mutating func publish(_ operation: DoorbellCore.Operation, id: Int, _ row: String? = nil) {
        let rendition = Publication.Rendition(
            version: .first, key: Array(#"{"id":\#(id)}"#.utf8), data: row.map { Array($0.utf8) }, changed: nil)
        publish(.change(operation, [rendition]))
    }

    /// The legacy API is asked and answers at once.
    mutating func poll(_ body: String, by caller: UInt64 = 1) { answer(body, asked: head, by: caller) }

    /// - Parameters:
    ///   - body: `nil` for 304.
    ///   - version: Of a 304, the body that it is for; bodies are their own tags.
    mutating func answer(
        _ body: String?, asked: Position, by caller: UInt64 = 1, version: BodyVersion = .unknown
    ) {
        let traffic = traffic
        parity.answered(
            Parity.Answer(
                caller: caller, target: "/notes", channels: [Self.channel], asked: asked, at: now, run: run ?? 0,
                body: body.map { .whole(Array($0.utf8)) } ?? .notModified,
                version: body.map { BodyVersion(tag: $0) } ?? version), traffic: traffic)
    }

    /// A poll that is told that its caller has `body`, and the 3 seconds until the next one.
    mutating func unchanged(_ body: String, by caller: UInt64 = 1) {
        answer(nil, asked: head, by: caller, version: BodyVersion(tag: body))
        wait(3)
    }

    /// A poll and the 3 seconds until the next one.
    mutating func round(_ body: String, by caller: UInt64 = 1) {
        poll(body, by: caller)
        wait(3)
    }

    private var traffic: Parity.Traffic {
        let (published, floor) = (published, floor)
        return { _, after, through in
            guard after >= floor else { return nil }
            let newer = published.filter { $0.position > after }
            return through.map { through in newer.filter { $0.position <= through } } ?? newer
        }
    }

    /// Told, quiet, missed, spurious, inconclusive.
    var verdicts: [UInt64] {
        let counts = parity.counts
        return [counts.told, counts.quiet, counts.missed, counts.spurious, counts.inconclusive]
    }
}
