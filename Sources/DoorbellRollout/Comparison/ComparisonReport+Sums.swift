internal import DoorbellCore

extension ComparisonReport.Tally {
    /// The sum, which stays at the largest number where it would be larger; without percentiles, which do not add up.
    mutating func add(_ other: Self) {
        func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let (sum, isOver) = a.addingReportingOverflow(b)
            return isOver ? .max : sum
        }
        requests = sum(requests, other.requests)
        unchanged = sum(unchanged, other.unchanged)
        errors = sum(errors, other.errors)
        bytesUp = sum(bytesUp, other.bytesUp)
        bytesDown = sum(bytesDown, other.bytesDown)
        bytesTagsWouldSave = sum(bytesTagsWouldSave, other.bytesTagsWouldSave)
        originRequests = sum(originRequests, other.originRequests)
        connectionSeconds += other.connectionSeconds
        reconnects = sum(reconnects, other.reconnects)
        buffers.add(other.buffers)
        cpuSeconds += other.cpuSeconds
        told = sum(told, other.told)
        staleness = nil
    }

    static func sum(_ tallies: some Sequence<Self>) -> Self { tallies.reduce(into: Self()) { $0.add($1) } }

    /// What is left when each answer that a tag would have made short is short. An estimate: 304 in the place of the answer, and a header more in
    /// the request.
    var withTags: Self {
        var tally = self
        tally.bytesDown -= min(bytesTagsWouldSave, bytesDown)
        let header = unchanged.multipliedReportingOverflow(by: Self.tagHeader)
        tally.bytesUp =
            header.overflow
            ? .max
            : tally.bytesUp.addingReportingOverflow(header.partialValue).overflow
                ? .max : tally.bytesUp + header.partialValue
        tally.bytesTagsWouldSave = 0
        return tally
    }

    /// Bytes of `If-None-Match` with a tag as Doorbell makes them.
    static let tagHeader = UInt64("If-None-Match: W/\"0123456789abcdef0123456789abcdef\"\r\n".utf8.count)
}

extension ComparisonReport {
    /// Of several lines together, sorted, each bound once.
    static func merged(_ buckets: [[StalenessBucket]]) -> [StalenessBucket] {
        var counts: [Double: UInt64] = [:]
        for bucket in buckets.joined() where bucket.upTo.isFinite {
            let (sum, isOver) = counts[bucket.upTo, default: 0].addingReportingOverflow(bucket.count)
            counts[bucket.upTo] = isOver ? .max : sum
        }
        return counts.sorted { $0.key < $1.key }.map { StalenessBucket(upTo: $0.key, count: $0.value) }
    }

    /// `nil` without any. Each is the bound of the bucket that it lies in.
    static func percentiles(_ buckets: [StalenessBucket]) -> Percentiles? {
        let all = buckets.reduce(0.0) { $0 + Double($1.count) }
        guard all > 0 else { return nil }
        func percentile(_ share: Double) -> Double {
            var sum = 0.0
            for bucket in buckets {
                sum += Double(bucket.count)
                if sum >= all * share { return bucket.upTo }
            }
            return buckets[buckets.count - 1].upTo
        }
        return Percentiles(p50: percentile(0.5), p95: percentile(0.95), p99: percentile(0.99))
    }
}
