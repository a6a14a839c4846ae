import DoorbellCore

@testable import DoorbellAssess

/// What has to hold for any bytes that are given as a log. Used by libFuzzer (Tests/Fuzz) and by the tests.
enum LogFuzzCheck {
    private static let formats: [LogFormat] = {
        let texts =
            LogFormat.names + [
                #"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent rt=$request_time"#,
                "%a;%U;%q;%s;%{%s}t;%D",
            ]
        return texts.compactMap { try? LogFormat($0) }
    }()

    /// - Parameter bytes: The first says which format, the second how blocks are cut, the rest is the log.
    /// - Returns: What is wrong.
    static func check(_ bytes: [UInt8]) -> String? {
        guard bytes.count > 2 else { return nil }
        let format = formats[Int(bytes[0]) % formats.count]
        let log = Array(bytes[2...])
        let capacity = 64 + Int(bytes[1]) * 8
        let whole = ReadLog(MemoryReader(log, chunk: .max), format: format, block: capacity)
        let dripped = ReadLog(MemoryReader(log, chunk: 1), format: format, block: capacity)
        guard whole == dripped else { return "read byte by byte it is another log" }
        guard whole.entries.count + whole.badLines + whole.noRequests == whole.lines else { return "lines are lost" }
        let zipped = ReadLog(GzipReader(MemoryReader(log, chunk: 3), path: "log"), format: format, block: capacity)
        _ = zipped.entries.count
        _ = log.withUnsafeBytes { LogFormat.guess($0, client: nil) }
        // Counting is slow to set up; every fourth input is enough for it.
        guard bytes[1] % 4 == 0 else { return nil }
        var counter = LogCounter(capacity: 64)
        for (entry, target) in zip(whole.entries, whole.targets) { counter.add(entry) { target } }
        counter.finish()
        let assessment = Assessment(counter, tally: LogTally(), files: [], notes: [], assumptions: Assumptions())
        guard counter.requests + counter.misdated == whole.entries.count else { return "entries are lost" }
        _ = assessment.text()
        _ = assessment.startingConfiguration
        var scanner = JSONScanner(Array(assessment.json().utf8))
        do {
            _ = try scanner.skipValue()
            try scanner.end()
        } catch {
            return "the report is not JSON: \(error)"
        }
        return nil
    }
}
