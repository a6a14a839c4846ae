import Testing

@testable import DoorbellRollout

@Suite struct TurnSamplingTests {
    @Test("when turns are few, the clock is read after each")
    func few() {
        var sampling = TurnSampling()
        let due = (1...100).filter { sampling.isDue(at: UInt64($0) * 100_000_000) }
        #expect(due == Array(1...100))
    }

    @Test("when they are many, it is read twice in so many, the second time after one turn alone")
    func many() {
        var sampling = TurnSampling()
        let start: UInt64 = 1_000_000_000
        _ = sampling.isDue(at: start)
        let due = (1...(TurnSampling.stride + 1) * 3).filter { sampling.isDue(at: start + UInt64($0) * 1000) }
        #expect(due == [16, 17, 33, 34, 50, 51])
    }

    @Test("what is waiting is measured as soon as a turn comes late")
    func late() {
        var sampling = TurnSampling()
        let moments: [UInt64] = [1_000_000_000, 1_000_001_000, 1_000_002_000, 1_100_000_000]
        #expect(moments.map { sampling.isDue(at: $0) } == [true, false, false, true])
    }
}
