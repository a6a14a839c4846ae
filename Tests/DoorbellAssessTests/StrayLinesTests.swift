import Testing

@testable import DoorbellAssess

@Suite struct StrayLinesTests {
    /// Days, of each line.
    private func astray(_ blocks: [Double]...) -> [[Range<Int>]] {
        var strays = StrayLines()
        return blocks.map { days in
            strays.find(in: days.map { day in LogEntry(time: Int64(day * Double(StrayLines.leap))) })
        }
    }

    private let today = Array(repeating: 1.0, count: 2000)

    @Test func `lines that are ahead are astray when what follows is not`() {
        #expect(astray(today + [400] + today) == [[2000..<2001]])
        #expect(astray([400] + today) == [[0..<1]])
        #expect(astray(today + [9, 8, 9] + today + [3, 3]) == [[2000..<2003, 4003..<4005]])
        #expect(astray(today, [400] + today) == [[], [0..<1]])
        #expect(astray(today + [400], today) == [[2000..<2001], []], "the last of a block, too")
    }

    @Test func `up to a day ahead is no mistake, nor is what is late`() {
        #expect(astray(today + [2] + today) == [[]])
        #expect(astray(today + [0, -300] + today) == [[]])
    }

    @Test func `a time without a request is no mistake`() {
        let later = Array(repeating: 9.0, count: 20)
        #expect(astray(today + later) == [[]])
        #expect(
            astray(today + later + today) == [[]], "nor are so many lines that two logs were put one after the other")
        #expect(astray(today, later, later) == [[], [], []])
        #expect(astray([1, 5, 9, 13]) == [[]], "of a short log each line counts")
        #expect(astray(today + [400] + later) == [[2000..<2001]], "a mistake at its end is one all the same")
    }

    @Test func `a line of long ago at the begin makes nothing astray`() {
        #expect(astray([-18_000] + today) == [[]])
    }

    @Test func `no log, no lines`() {
        #expect(astray([], [1]) == [[], []])
    }
}
