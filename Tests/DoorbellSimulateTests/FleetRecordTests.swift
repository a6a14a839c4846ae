import Testing

@testable import DoorbellSimulate

@Suite("What clients have done and seen")
struct FleetRecordTests {
    private static func record() -> FleetRecord { FleetRecord(book: PhaseBook(ChangePlan(users: [1, 1, 2]))) }

    @Test("polls that bring something new, nothing new, and an error")
    func polls() {
        var record = Self.record()
        record.book.committed(1, at: 1000)
        var known = record.answered(1, status: 200, revision: 0, known: nil, took: 5_000_000, at: 900)
        #expect(known == 0)
        known = record.answered(1, status: 200, revision: 0, known: known, took: 5_000_000, at: 950)
        known = record.answered(1, status: 200, revision: 1, known: known, took: 5_000_000, at: 2000)
        #expect(known == 1)
        known = record.answered(1, status: 304, revision: nil, known: known, took: 5_000_000, at: 3000)
        known = record.answered(1, status: 503, revision: nil, known: known, took: 5_000_000, at: 4000)
        #expect(known == 1)
        #expect(record.traffic.requests == 5)
        #expect(record.traffic.unchanged == 2)
        #expect(record.traffic.failures == 1)
        #expect(record.book.outstanding == 0)
        #expect(abs((record.answerTime ?? 0) - 0.005) < 0.0001)
    }

    @Test("messages, and what the server says is wrong")
    func messages() {
        var record = Self.record()
        record.book.committed(3, at: 1000)
        record.told(2, revision: 3, at: 2000)
        record.failed()
        #expect(record.traffic.requests == 1)
        #expect(record.traffic.failures == 1)
        #expect(record.book.outstanding == 0)
    }

    @Test("what happened in between is a difference")
    func differences() {
        var record = Self.record()
        record.sent(10)
        record.skipped(1)
        let before = record.traffic
        record.sent(5)
        record.received(7)
        record.skipped(2)
        #expect(record.traffic - before == Traffic(skipped: 2, bytesUp: 5, bytesDown: 7))
    }

    @Test("times before the measured time do not count")
    func times() {
        var record = Self.record()
        record.asked(late: 3_000_000_000)
        #expect(record.generatorLateness.map { $0 > 2.9 } == true)
        record.resetTimes()
        #expect(record.generatorLateness == nil)
        #expect(record.answerTime == nil)
        record.asked(late: .max)
        #expect(record.generatorLateness.map { $0 > 80_000 } == true)
    }

    @Test("connections that were lost are not open")
    func connections() {
        var record = Self.record()
        record.opened()
        record.opened()
        record.lose()
        #expect(record.open == 1)
        #expect(record.lost == 1)
    }
}
