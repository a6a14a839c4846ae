import CLibPQ
import DoorbellTesting
import Foundation

/// Updates one row again and again at a steady pace, each in a transaction of its own, on a thread of its own.
struct PacedWriter {
    let conninfo: String
    /// Updates a second.
    let rate: Int

    /// Writes rows number 1 to `count` of `log`; returns when all are committed.
    ///
    /// - Returns: The pace that was kept, in updates a second.
    func write(_ count: Int, into log: LatencyLog) async throws -> Double {
        try await withCheckedThrowingContinuation { continuation in
            let (conninfo, rate) = (conninfo, rate)
            Thread.detachNewThread {
                continuation.resume(with: Result { try Self.write(count, at: rate, conninfo, log) })
            }
        }
    }

    private static func write(_ count: Int, at rate: Int, _ conninfo: String, _ log: LatencyLog) throws -> Double {
        guard let handle = PQconnectdb(conninfo) else { throw BenchFailure("out of memory") }
        defer { PQfinish(handle) }
        PQclear(PQprepare(handle, "write", "update items set value = $1, sent = $2 where id = 1", 2, nil))
        let start = Moment.now
        for number in 1...count {
            Moment.wait(until: start + UInt64(number) * 1_000_000_000 / UInt64(rate))
            let sent = Moment.now
            let status = "\(number)".withCString { value in
                "\(sent)".withCString { time in
                    var values: [UnsafePointer<CChar>?] = [value, time]
                    let result = PQexecPrepared(handle, "write", 2, &values, nil, nil, 0)
                    defer { PQclear(result) }
                    return PQresultStatus(result)
                }
            }
            guard status == PGRES_COMMAND_OK else { throw BenchFailure(String(cString: PQerrorMessage(handle))) }
            log.wrote(number, sent: sent, committed: Moment.now)
        }
        return Double(count) / Moment.seconds(since: start)
    }
}
