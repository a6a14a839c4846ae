import DoorbellCore

/// Rows of ``LedgerSchema``, written as JSON and read.
enum LedgerRows {
    static func json(_ rows: [LedgerRow], node: String) -> String {
        array(rows) { row, bytes in
            let counts = row.counts
            begin(node, row.start, row.seconds, &bytes)
            for (name, value) in [("feature", row.feature), ("cohort", row.cohort), ("path", row.path)] {
                JSONWriter.string(name, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                JSONWriter.string(value, to: &bytes)
                bytes.append(UInt8(ascii: ","))
            }
            let numbers: [(String, UInt64)] = [
                ("requests", counts.requests), ("unchanged", counts.unchanged), ("errors", counts.errors),
                ("bytes_up", counts.bytesUp), ("bytes_down", counts.bytesDown),
                ("bytes_tags_would_save", counts.bytesTagsWouldSave), ("origin_requests", counts.originRequests),
                ("reconnects", counts.reconnects), ("waiting_bytes", counts.buffers.waitingBytes),
                ("behind", counts.buffers.behind), ("conflated", counts.buffers.conflated),
                ("resets", counts.buffers.resets), ("closed", counts.buffers.closed),
            ]
            for (name, value) in numbers { bytes += Array("\"\(name)\":\(Int64(clamping: value)),".utf8) }
            bytes += Array("\"connection_seconds\":\(finite(counts.connectionSeconds)),".utf8)
            bytes += Array("\"cpu_seconds\":\(finite(counts.cpuSeconds)),".utf8)
            let buckets = counts.staleness.buckets
            bytes += Array("\"buckets\":[\(buckets.map { "\($0.index)" }.joined(separator: ","))],".utf8)
            bytes += Array(
                "\"counts\":[\(buckets.map { "\(Int64(clamping: $0.count))" }.joined(separator: ","))]}".utf8)
        }
    }

    static func json(_ rows: [LedgerUsageRow], node: String) -> String {
        array(rows) { row, bytes in
            let usage = row.usage
            begin(node, row.start, row.seconds, &bytes)
            bytes += Array("\"service_cpu\":\(usage.service.map { "\(finite($0))" } ?? "null"),".utf8)
            bytes += Array("\"legacy_cpu\":\(usage.legacy.map { "\(finite($0))" } ?? "null"),".utf8)
            bytes += Array("\"transactions\":\(usage.transactions.map { "\(Int64(clamping: $0))" } ?? "null"),".utf8)
            bytes += Array("\"statements\":\(usage.statements.map { "\(Int64(clamping: $0))" } ?? "null")}".utf8)
        }
    }

    private static func finite(_ number: Double) -> Double { number.isFinite ? number : 0 }

    private static func array<Row>(_ rows: [Row], _ write: (Row, inout [UInt8]) -> Void) -> String {
        var bytes = [UInt8(ascii: "[")]
        for (index, row) in rows.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            write(row, &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func begin(_ node: String, _ start: Int64, _ seconds: Int, _ bytes: inout [UInt8]) {
        bytes += Array("{\"node\":".utf8)
        JSONWriter.string(node, to: &bytes)
        let moment = Timestamp(microseconds: start * 1_000_000).rfc3339
        bytes += Array(",\"start\":\"\(moment)\",\"seconds\":\(seconds),".utf8)
    }

    static func row(_ rows: PGResult, _ row: Int) -> LedgerRow? {
        guard let start: Int64 = rows.integer(row, 0), let seconds: Int = rows.integer(row, 1),
            let feature = rows.text(row, 2), let cohort = rows.text(row, 3), let path = rows.text(row, 4)
        else { return nil }
        func number(_ column: Int) -> UInt64 { rows.integer(row, column) ?? 0 }
        func decimal(_ column: Int) -> Double { rows.text(row, column).flatMap { Double($0) } ?? 0 }
        var counts = LedgerCounts()
        counts.requests = number(5)
        counts.unchanged = number(6)
        counts.errors = number(7)
        counts.bytesUp = number(8)
        counts.bytesDown = number(9)
        counts.bytesTagsWouldSave = number(10)
        counts.originRequests = number(11)
        counts.reconnects = number(12)
        counts.connectionSeconds = decimal(13)
        counts.cpuSeconds = decimal(14)
        for (index, count) in zip(numbers(rows.bytes(row, 15)), numbers(rows.bytes(row, 16))) where count > 0 {
            counts.staleness.add(UInt64(count), at: Int16(clamping: index))
        }
        counts.buffers.waitingBytes = number(17)
        counts.buffers.behind = number(18)
        counts.buffers.conflated = number(19)
        counts.buffers.resets = number(20)
        counts.buffers.closed = number(21)
        return LedgerRow(start: start, seconds: seconds, feature: feature, cohort: cohort, path: path, counts: counts)
    }

    static func usage(_ rows: PGResult) -> [LedgerUsageRow] {
        (0..<rows.count).compactMap { row in
            guard let start: Int64 = rows.integer(row, 0), let seconds: Int = rows.integer(row, 1) else { return nil }
            var usage = LedgerUsage()
            usage.service = rows.text(row, 2).flatMap { Double($0) }
            usage.legacy = rows.text(row, 3).flatMap { Double($0) }
            usage.transactions = rows.integer(row, 4)
            usage.statements = rows.integer(row, 5)
            return LedgerUsageRow(start: start, seconds: seconds, usage: usage)
        }
    }

    /// Of an array as PostgreSQL writes it.
    private static func numbers(_ text: UnsafeRawBufferPointer?) -> [Int64] {
        guard let text, text.count > 2 else { return [] }
        var numbers: [Int64] = []
        numbers.reserveCapacity(text.count / 2)
        var begin = text.startIndex + 1
        for index in begin..<text.endIndex
        where text[index] == UInt8(ascii: ",") || index == text.endIndex - 1 {
            if let number: Int64 = PGResult.integer(text[begin..<index]) { numbers.append(number) }
            begin = index + 1
        }
        return numbers
    }
}
