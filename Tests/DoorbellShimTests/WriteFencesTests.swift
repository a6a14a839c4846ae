import Testing

@testable import DoorbellShim

@Suite struct WriteFencesTests {
    private let start = CacheFixtures.start
    private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test(
        "a writer is not shown what was asked for before its write was answered, until everything before that is known")
    func bar() {
        var fences = WriteFences()
        let (writer, other) = (CacheFixtures.key(1), CacheFixtures.key(2))
        fences.covered(before: at(0))
        #expect(fences.bar(for: writer) == nil)
        fences.wrote(writer, at: at(1))
        #expect(fences.bar(for: writer) == at(1) && fences.bar(for: other) == nil)
        fences.covered(before: at(1))
        #expect(fences.bar(for: writer) == at(1), "the answer was at this very moment, not before it")
        fences.wrote(writer, at: at(2))
        fences.covered(before: at(1.5))
        #expect(fences.bar(for: writer) == at(2))
        fences.covered(before: at(2.1))
        #expect(fences.bar(for: writer) == nil)
        fences.covered(before: at(1))
        #expect(fences.bar(for: writer) == nil, "what is known stays known")
    }

    @Test("a write that gives its writer another name counts for everybody")
    func everybody() {
        var fences = WriteFences()
        fences.wrote(nil, at: at(1))
        #expect(fences.bar(for: CacheFixtures.key(1)) == at(1))
        fences.wrote(CacheFixtures.key(1), at: at(2))
        #expect(fences.bar(for: CacheFixtures.key(1)) == at(2) && fences.bar(for: CacheFixtures.key(2)) == at(1))
        fences.covered(before: at(1.5))
        #expect(fences.bar(for: CacheFixtures.key(1)) == at(2) && fences.bar(for: CacheFixtures.key(2)) == nil)
    }

    @Test("with too many writers everybody counts as one, and those that are over are forgotten")
    func bounded() {
        var fences = WriteFences()
        for number in 0..<(WriteFences.capacity + 10) { fences.wrote(CacheFixtures.key(number), at: at(1)) }
        #expect(fences.count == WriteFences.capacity)
        #expect(fences.bar(for: CacheFixtures.key(-1)) == at(1))
        fences.covered(before: at(2))
        #expect(fences.count == 0)
        #expect(fences.bar(for: CacheFixtures.key(-1)) == nil && fences.bar(for: CacheFixtures.key(1)) == nil)
    }
}
