public import DoorbellCore

/// Adds up intervals of the ledger, of this process and of others, to a ``ComparisonReport``. Pure.
public struct ComparisonSum: Sendable {
    private struct Series {
        var total = LedgerCounts()
        /// By the number of the point.
        var points: [Int64: LedgerCounts] = [:]

        mutating func add(_ counts: LedgerCounts, at point: Int64?) {
            total.add(counts)
            if let point { points[point, default: LedgerCounts()].add(counts) }
        }
    }

    private let query: ComparisonQuery
    /// Seconds since 1970; what began before is left out.
    public let from: Int64
    /// Seconds that a point covers.
    public let step: Int
    private var lines: [Ledger.Key: Series] = [:]
    /// By the number of the point.
    private var paths: [Ledger.Path: [Int64: LedgerCounts]] = [:]
    private var usage = LedgerUsage()
    private var usagePoints: [Int64: LedgerUsage] = [:]

    /// - Parameters:
    ///   - from: When anything was counted first, seconds since 1970; later where the query asks for less.
    ///   - shortest: Seconds of the longest intervals that will be added.
    public init(_ query: ComparisonQuery, from: Int64, until: Timestamp, shortest: Int) {
        self.query = query
        let end = until.microseconds / 1_000_000
        let from = max(from, end - query.seconds)
        step = ComparisonQuery.step(from: from, until: end, atLeast: shortest)
        self.from = LedgerHistory.begin(from, step)
    }

    /// - Parameter start: Seconds since 1970 at which it began to be counted.
    public mutating func add(_ counts: LedgerCounts, of key: Ledger.Key, start: Int64) {
        guard start >= from, query.feature == nil || query.feature == key.feature else { return }
        let point = (start - from) / Int64(step)
        lines[key, default: Series()].add(counts, at: query.points == .all ? point : nil)
        guard query.points != .none else { return }
        paths[key.path, default: [:]][point, default: LedgerCounts()].add(counts)
    }

    public mutating func add(_ usage: LedgerUsage, start: Int64) {
        guard start >= from else { return }
        self.usage.add(usage)
        if query.points != .none { usagePoints[(start - from) / Int64(step), default: LedgerUsage()].add(usage) }
    }

    public mutating func add(_ interval: LedgerHistory.Interval) {
        for (key, counts) in interval.lines { add(counts, of: key, start: interval.start) }
        if !interval.usage.isEmpty { add(interval.usage, start: interval.start) }
    }

    /// - Parameters:
    ///   - features: In the order of the configuration; what was counted of others is left out.
    ///   - memory: Bytes resident now, of the service and of the legacy API.
    public func report(
        until: Timestamp, features: [ComparisonReport.Feature],
        memory: (service: UInt64?, legacy: UInt64?) = (nil, nil),
        radio: [ComparisonReport.RadioUsage] = []
    ) -> ComparisonReport {
        let features = features.filter { query.feature == nil || query.feature == $0.name }
        let keys = features.flatMap { feature in
            Ledger.Cohort.allCases.flatMap { cohort in
                Ledger.Path.allCases.map { Ledger.Key(feature.name, cohort, $0) }
            }
        }
        return ComparisonReport(
            from: Double(from), until: Double(until.microseconds) / 1e6, step: Double(step), features: features,
            lines: keys.compactMap { key in lines[key].map { line(key, $0) } },
            paths: Ledger.Path.allCases.compactMap { path in
                paths[path].map { ComparisonReport.PathSeries(path: path, points: points($0)) }
            }, processes: processes(memory),
            database: usage.transactions.map {
                ComparisonReport.DatabaseUsage(transactions: $0, statements: usage.statements)
            }, radio: radio)
    }

    private func line(_ key: Ledger.Key, _ series: Series) -> ComparisonReport.Line {
        ComparisonReport.Line(
            feature: key.feature, cohort: key.cohort, path: key.path, total: ComparisonReport.Tally(series.total),
            staleness: series.total.staleness.buckets.map {
                ComparisonReport.StalenessBucket(upTo: StalenessHistogram.end(of: $0.index), count: $0.count)
            }, points: points(series.points))
    }

    private func points(_ points: [Int64: LedgerCounts]) -> [ComparisonReport.Point] {
        points.sorted { $0.key < $1.key }.map { number, counts in
            ComparisonReport.Point(
                at: Double(from + number * Int64(step)), total: ComparisonReport.Tally(counts))
        }
    }

    private func processes(_ memory: (service: UInt64?, legacy: UInt64?)) -> [ComparisonReport.ProcessUsage] {
        func process(
            _ name: String, _ memory: UInt64?, _ seconds: (LedgerUsage) -> Double?
        ) -> ComparisonReport.ProcessUsage? {
            guard memory != nil || seconds(usage) != nil else { return nil }
            return ComparisonReport.ProcessUsage(
                name: name, cpuSeconds: seconds(usage), memory: memory,
                points: usagePoints.sorted { $0.key < $1.key }.compactMap { number, usage in
                    seconds(usage).map {
                        ComparisonReport.ProcessUsage.Point(at: Double(from + number * Int64(step)), cpuSeconds: $0)
                    }
                })
        }
        return [
            process("doorbell", memory.service, \.service), process("legacy API", memory.legacy, \.legacy),
        ].compactMap(\.self)
    }
}

extension ComparisonReport.Tally {
    public init(_ counts: LedgerCounts) {
        self.init()
        requests = counts.requests
        unchanged = counts.unchanged
        errors = counts.errors
        bytesUp = counts.bytesUp
        bytesDown = counts.bytesDown
        bytesTagsWouldSave = counts.bytesTagsWouldSave
        originRequests = counts.originRequests
        connectionSeconds = counts.connectionSeconds
        reconnects = counts.reconnects
        buffers = counts.buffers
        cpuSeconds = counts.cpuSeconds
        told = counts.staleness.count
        staleness = ComparisonReport.Percentiles(counts.staleness)
    }
}

extension ComparisonReport.Percentiles {
    /// `nil`: nobody was told anything.
    public init?(_ staleness: StalenessHistogram) {
        guard let p50 = staleness.percentile(50), let p95 = staleness.percentile(95),
            let p99 = staleness.percentile(99)
        else { return nil }
        self.init(p50: p50, p95: p95, p99: p99)
    }
}
