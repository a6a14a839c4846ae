import DoorbellRollout
import Testing

@testable import DoorbellSimulate

@Suite("Which change was seen when")
struct PhaseBookTests {
    private static let second: UInt64 = 1_000_000_000

    /// Changes 1, 2, 3 are of user 1, change 4 is of user 2.
    private static func book() -> PhaseBook {
        PhaseBook(ChangePlan(users: [1, 1, 1, 2]))
    }

    @Test("a poll shows a change, and how long after its commit")
    func poll() {
        var book = Self.book()
        book.committed(1, at: 10 * Self.second)
        #expect(book.outstanding == 1)
        #expect(book.staleness == nil)
        book.showed(1, to: 1, at: 12 * Self.second)
        #expect(book.outstanding == 0)
        #expect(abs((book.staleness?.p50 ?? 0) - 2) < 0.01)
    }

    @Test("an answer shows the changes before its newest one, too")
    func several() {
        var book = Self.book()
        for number in 1...4 { book.committed(number, at: UInt64(number) * Self.second) }
        book.showed(3, to: 1, at: 5 * Self.second)
        #expect(book.outstanding == 1)
        book.showed(4, to: 2, at: 6 * Self.second)
        #expect(book.outstanding == 0)
        #expect(book.written == 4)
    }

    @Test("a message tells its own change and no other")
    func message() {
        var book = Self.book()
        for number in 1...3 { book.committed(number, at: Self.second) }
        book.told(3, to: 1, at: 2 * Self.second)
        #expect(book.outstanding == 2)
    }

    @Test("only the first time counts")
    func again() {
        var book = Self.book()
        book.committed(1, at: Self.second)
        book.told(1, to: 1, at: 2 * Self.second)
        book.told(1, to: 1, at: 9 * Self.second)
        book.committed(1, at: 9 * Self.second)
        #expect(abs((book.staleness?.p99 ?? 0) - 1) < 0.01)
        #expect(book.written == 1)
    }

    @Test("a client that is told before the writer knows of its commit waited for nothing")
    func early() {
        var book = Self.book()
        book.told(1, to: 1, at: Self.second)
        #expect(book.outstanding == 0)
        book.committed(1, at: 2 * Self.second)
        #expect(book.outstanding == 0)
        #expect(book.staleness?.p99 == 0)
    }

    @Test("how many took how long, up to round times")
    func buckets() {
        var book = Self.book()
        #expect(book.stalenessBuckets == [])
        for number in 1...4 { book.committed(number, at: Self.second) }
        book.told(1, to: 1, at: Self.second)
        book.told(2, to: 1, at: 2 * Self.second)
        book.told(3, to: 1, at: 2 * Self.second)
        let buckets = book.stalenessBuckets
        #expect(buckets.first == StalenessBucket(upTo: 0.0005, count: 1))
        #expect(buckets.last?.count == 2)
        #expect(buckets.last.map { $0.upTo >= 1 && $0.upTo < 1.5 } == true)
        #expect(buckets.map(\.count).reduce(0, +) == 3)
    }

    @Test("what was not committed is not missed")
    func unwritten() {
        var book = Self.book()
        #expect(book.outstanding == 0)
        #expect(book.written == 0)
        book.committed(2, at: 1)
        #expect(book.outstanding == 1)
    }

    @Test("a change of another user is found out, and counts as seen by nobody")
    func stranger() {
        var book = Self.book()
        book.committed(4, at: Self.second)
        book.told(4, to: 1, at: 2 * Self.second)
        book.showed(4, to: 1, at: 2 * Self.second)
        #expect(book.strangers == 2)
        #expect(book.outstanding == 1)
    }

    @Test("numbers that there are not change nothing", arguments: [-1, 0, 5, Int.max])
    func nonsense(number: Int) {
        var book = Self.book()
        book.committed(number, at: 1)
        book.told(number, to: 1, at: 1)
        book.showed(number, to: 1, at: 1)
        #expect(book.written == 0)
        #expect(book.strangers == 0)
    }
}

extension ChangePlan {
    /// A change a second, of these users.
    init(users: [Int]) {
        self.init(changes: users.enumerated().map { Change(moment: Double($0.offset), user: $0.element, slot: 1) })
    }
}
