public import DoorbellCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Reads access logs and says who polls what. The only entrance of this module.
public struct LogAssessor: Sendable {
    /// How far the reading is.
    public struct Progress: Sendable {
        public let bytes: Int64
        /// Of all files; `nil` when one has no size, such as standard input.
        public let total: Int64?
    }

    /// How lines are written; `nil`: found out, for each file.
    public var format: LogFormat?
    /// The member of JSON lines that says who the client is.
    public var client: String?
    public var assumptions = Assumptions()
    /// A file of changes to play the log against: lines of a time and the path of a URL.
    public var changes: String?
    /// When tables were changed, to find out which of them the answers are made of.
    public var tableChanges: TableChanges?
    /// Threads that read and parse; the one that counts comes on top.
    public var workers = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))

    public init() {}

    /// - Parameter paths: Files, `-` for standard input; compressed or not, in any order.
    /// - Throws: ``DoorbellError`` when a file cannot be read or is no log, or when there is not one request in all of them.
    public func assess(_ paths: [String], progress: (Progress) -> Void = { _ in }) throws(DoorbellError) -> Assessment {
        var changeLog: ChangeLog?
        if let changes { changeLog = try ChangeLog(ChangeLine.bytes(of: changes), name: changes) }
        var heads: [LogHead] = []
        var notes: [String] = []
        for path in paths {
            guard let head = try LogHead(path: path, format: format, client: client) else {
                notes.append("\(path == "-" ? "standard input" : path) is empty")
                continue
            }
            heads.append(head)
        }
        guard !heads.isEmpty else {
            throw DoorbellError(.usage, notes.isEmpty ? "there is no log to read" : notes.joined(separator: "\n"))
        }
        let sizes = heads.map(\.size)
        let total = sizes.contains(nil) ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) }
        var counter = LogCounter(changes: changeLog, tableChanges: tableChanges)
        var merge = LogMerge(heads, workers: workers)
        try merge.run(into: &counter) { progress(Progress(bytes: $0, total: total)) }
        counter.finish()
        let files = merge.sources.sorted { $0.key < $1.key }.map { id, source in
            Assessment.File(
                name: source.name, format: merge.format(of: id), failure: source.failure.map { "\($0)" })
        }
        guard counter.requests > 0 else { throw DoorbellError(.usage, "there is no request in the logs") }
        return Assessment(
            counter, tally: merge.tally, files: files, notes: notes, assumptions: assumptions,
            replayed: counter.replayed(), evidence: counter.evidence())
    }
}

extension Assessment {
    init(
        _ counter: borrowing LogCounter, tally: LogTally, files: [File], notes: [String], assumptions: Assumptions,
        replayed: [Int: Replay.Tally] = [:], evidence: [Int: [QualifiedName: ChangeEvidence]] = [:]
    ) {
        let begin = counter.isInOrder ? counter.begin ?? 0 : counter.earliest
        let duration = max(1, Double(counter.end - begin) / 1000)
        self.files = files
        self.begin = Timestamp(microseconds: begin * 1000)
        end = Timestamp(microseconds: counter.end * 1000)
        lines = tally.lines
        badLines = tally.badLines + counter.misdated + tally.astray
        badSamples = tally.samples
        noRequests = tally.noRequests
        requests = counter.requests
        bytes = counter.bytes
        clients = counter.clients.estimate
        peakSecond = counter.peakSecond
        series = counter.series.bins.map(Int.init)
        seriesWidth = Int(counter.series.width)
        isInOrder = counter.isInOrder
        // Pollers are known by their periods, which are wrong when the order is.
        endpoints =
            counter.isInOrder
            ? Self.endpoints(
                counter, duration: duration, assumptions: assumptions, replayed: replayed, evidence: evidence) : []
        self.notes = notes + Self.remarks(counter, files: files, duration: duration, astray: tally.astray)
    }

    private static func endpoints(
        _ counter: borrowing LogCounter, duration: Double, assumptions: Assumptions, replayed: [Int: Replay.Tally],
        evidence: [Int: [QualifiedName: ChangeEvidence]]
    ) -> [EndpointAssessment] {
        var all: [EndpointAssessment] = []
        for (index, route) in counter.routes.all {
            let endpoint = counter.routes.endpoints[index]
            let kind: EndpointFigures.Kind =
                switch (index, endpoint.kind) {
                case (0, _): .notFound
                case (1, _): .others
                case (_, .file): .file
                case (_, .playlist): .playlist
                default: .api
                }
            var figures = EndpointFigures(endpoint, route: route, kind: kind, duration: duration)
            var series = endpoint.series
            series.widen(to: counter.series.width)
            figures.series = series.bins.map(Int.init)
            all.append(
                EndpointAssessment(
                    figures: figures, verdict: Verdict(figures),
                    forecast: figures.polls > 0 ? Forecast(figures, assumptions) : nil,
                    replay: figures.polls > 0 ? replayed[index].map { ReplayedEndpoint($0, assumptions) } : nil,
                    evidence: evidence[index] ?? [:]))
        }
        // What polls the most comes first, then what is asked for most.
        return all.sorted {
            ($0.order.0, $0.order.1, $0.figures.requests, $1.figures.route)
                > ($1.order.0, $1.order.1, $1.figures.requests, $0.figures.route)
        }
    }

    private static func remarks(
        _ counter: borrowing LogCounter, files: [File], duration: Double, astray: Int
    ) -> [String] {
        var notes = files.compactMap(\.failure)
        if !counter.isInOrder {
            notes.append(
                "lines are not in order of time (\(Format.count(counter.late)) of \(Format.count(counter.requests)) are more than a minute "
                    + "older than one before): sort them, or turn them around with tac; so there are no verdicts")
        }
        let addresses = counter.addresses.estimate
        if addresses <= 3, counter.requests >= 1000 {
            notes.append(
                "all requests come from \(addresses) address\(addresses == 1 ? "" : "es"): if that is a proxy, log the client's own "
                    + "(X-Forwarded-For), or name a field that tells clients apart (--client)")
        }
        if duration < 600 {
            notes.append(
                "the log covers \(Format.seconds(duration)) only: slow pollers and the busiest hour are not in it")
        }
        if counter.evicted + counter.refused > 0 {
            notes.append(
                "more clients and URLs came together than are followed at a time (\(Format.count(LogCounter.capacity))): "
                    + "\(Format.count(counter.evicted)) were judged before their end, \(Format.count(counter.refused)) requests not at all"
            )
        }
        if astray > 0 {
            notes.append(
                astray == 1
                    ? "1 line is dated more than a day ahead of the others, and was not counted"
                    : "\(Format.count(astray)) lines are dated more than a day ahead of the others, and were not counted"
            )
        }
        if counter.misdated > 0 {
            notes.append(
                "\(Format.count(counter.misdated)) lines are dated more than 400 days from the others, and were not counted"
            )
        }
        return notes
    }
}

extension EndpointAssessment {
    fileprivate var order: (Int, Int) { (verdict.isWorthIt ? 2 : isPolled ? 1 : 0, isPolled ? figures.polls : 0) }
}
