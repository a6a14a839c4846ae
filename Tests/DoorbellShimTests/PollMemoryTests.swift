import DoorbellCore
import NIOCore
import Testing

@testable import DoorbellShim

@Suite struct PollMemoryTests {
    func at(_ seq: UInt64) -> Position { Position(epoch: 1, tick: 1, seq: seq) }

    @Test("the first answer is new, the same again is unchanged, 304 always is")
    func unchanged() {
        var memory = PollMemory(capacity: 10)
        let seen = [
            memory.saw(1, digest: 7, position: nil), memory.saw(1, digest: 7, position: nil),
            memory.saw(1, digest: nil, position: nil), memory.saw(1, digest: 7, position: nil),
            memory.saw(1, digest: 8, position: nil), memory.saw(2, digest: 8, position: nil),
        ]
        #expect(seen.map(\.isUnchanged) == [false, true, true, true, false, false])
        #expect(seen.allSatisfy { $0.fresh == nil })
    }

    @Test("what is between two positions of one caller is fresh, once, and only forward")
    func fresh() {
        var memory = PollMemory(capacity: 10)
        let first = memory.saw(1, digest: 1, position: at(5))
        let second = memory.saw(1, digest: 1, position: at(9))
        let again = memory.saw(1, digest: 1, position: at(9))
        let overtaken = memory.saw(1, digest: 1, position: at(7))
        let third = memory.saw(1, digest: 1, position: at(10))
        #expect(first.fresh == nil)
        #expect(second.fresh == .init(after: at(5), through: at(9)))
        #expect(again.fresh == nil)
        #expect(overtaken.fresh == nil)
        #expect(third.fresh == .init(after: at(9), through: at(10)))
        let otherEpoch = memory.saw(1, digest: 1, position: Position(epoch: 2, tick: 1, seq: 1))
        #expect(otherEpoch.fresh == nil)
    }

    @Test("memory is bounded, and those who were seen lately are remembered")
    func bounded() {
        var memory = PollMemory(capacity: 100)
        for key in 0..<10_000 as Range<UInt64> {
            _ = memory.saw(key, digest: 1, position: nil)
            let regular = memory.saw(.max, digest: 1, position: nil)
            #expect(regular.isUnchanged == (key > 0))
        }
        #expect(memory.count <= 100)
    }

    @Test("a body's digest does not depend on how it was cut")
    func digest() throws {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        func digest(_ cuts: [Int]) -> Int {
            var hasher = Hasher()
            var start = 0
            for cut in cuts + [bytes.count] {
                bytes[start..<cut].withUnsafeBytes { hasher.combine(bytes: $0) }
                start = cut
            }
            return hasher.finalize()
        }
        let whole = digest([])
        for cuts in [[1], [7, 8, 9], [500], [3, 500, 501, 999], Array(1..<1000)] { #expect(digest(cuts) == whole) }
    }
}
