import DoorbellCore
import DoorbellTesting

/// When each numbered row was sent, committed and received: moments of ``Moment``, 0 for never.
///
/// Rows are numbered from 1; the writer, the listener and an event loop use it at once.
final class LatencyLog: Sendable {
    private struct Entry {
        var sent: UInt64 = 0
        var committed: UInt64 = 0
        var received: UInt64 = 0
    }

    private let entries: Locked<[Entry]>

    init(rows: Int) { self.entries = Locked(Array(repeating: Entry(), count: rows + 1)) }

    func wrote(_ number: Int, sent: UInt64, committed: UInt64) {
        entries.withLock {
            $0[number].sent = sent
            $0[number].committed = committed
        }
    }

    /// Looks for the row's number in a message; both ways spell it `"value":`, once.
    func received(_ message: UnsafeRawBufferPointer) {
        let now = Moment.now
        guard let number = Self.number(in: message) else { return }
        entries.withLock { if $0.indices.contains(number), $0[number].received == 0 { $0[number].received = now } }
    }

    private static func number(in message: UnsafeRawBufferPointer) -> Int? {
        let name: StaticString = "\"value\":"
        let length = name.utf8CodeUnitCount
        var index = 0
        while index + length < message.count {
            var matched = 0
            while matched < length, message[index + matched] == name.utf8Start[matched] { matched += 1 }
            if matched == length {
                var number = 0
                index += length
                while index < message.count, (0x30...0x39).contains(message[index]), number < 1_000_000_000 {
                    number = number * 10 + Int(message[index] - 0x30)
                    index += 1
                }
                return number
            }
            index += 1
        }
        return nil
    }

    var missing: Int { entries.withLock { $0.dropFirst().count { $0.received == 0 } } }

    /// From before the statement was sent until the message was here, in milliseconds. Rows from `first` on.
    func fromSending(first: Int) -> Sample { sample(first) { Double($0.received) - Double($0.sent) } }

    /// From the commit's return. Negative where the message overtook the writer's own answer.
    func fromCommit(first: Int) -> Sample { sample(first) { Double($0.received) - Double($0.committed) } }

    private func sample(_ first: Int, _ value: (Entry) -> Double) -> Sample {
        entries.withLock { entries in
            Sample(entries[first...].filter { $0.received > 0 && $0.sent > 0 }.map { value($0) / 1e6 })
        }
    }
}
