import DoorbellTesting
import Foundation
import Testing

@testable import DoorbellAssess

@Suite struct TrainTests {
    /// Ticks of 10 ms, cut to the resolution.
    private func ticks(_ seconds: [Double], _ resolution: UInt32) -> [UInt32] {
        seconds.sorted().map { UInt32($0 * 100) / resolution * resolution }
    }

    private func timer(
        _ period: Double, _ count: Int, jitter: Double = 0.05, from start: Double = 100, seed: UInt64 = 1
    ) -> [Double] {
        var random = LogRandom(seed)
        var time = start
        return (0..<count).map { _ in
            defer { time += period * (1 + jitter * random.normal()) }
            return time
        }
    }

    @Test(arguments: [1.0, 2, 3, 5, 10, 30, 60, 300], [1, 100] as [UInt32])
    func `a timer is regular, and its period is found`(period: Double, resolution: UInt32) {
        let train = Train(ticks(timer(period, 32), resolution), resolution: resolution)
        #expect(train.kind == .regular)
        #expect(abs(train.period / 100 - period) < period * 0.06)
    }

    @Test func `sleep, a tab in the background and a poll that was left out are no disorder`() {
        var times = timer(5, 12)
        times += timer(5, 8, from: 1200, seed: 2)
        times += timer(60, 6, from: 1300, seed: 3)
        times += [1670, 1675, 1680, 1690]
        let train = Train(ticks(times, 1), resolution: 1)
        #expect(train.kind == .regular)
        #expect(train.background >= 4)
        #expect(train.pauses >= 1)
    }

    @Test func `a page that asks twice at once is one round`() {
        let times = timer(5, 20).flatMap { [$0, $0 + 0.05] }
        let train = Train(ticks(times, 1), resolution: 1)
        #expect(train.kind == .regular)
        #expect(abs(train.period - 500) < 30)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func `requests that know nothing of each other are irregular`(
        seed: UInt64
    ) {
        var random = LogRandom(seed)
        var time = 0.0
        let times = (0..<32).map { _ in
            time += random.exponential(12)
            return time
        }
        #expect(Train(ticks(times, 1), resolution: 1).kind == .irregular)
        #expect(Train(ticks(times, 100), resolution: 100).kind == .irregular)
    }

    @Test func `three timers behind one address are three`() {
        let times = [100.0, 103.1, 107.4].enumerated().flatMap {
            timer(10, 11, jitter: 0.005, from: $1, seed: UInt64($0))
        }
        let train = Train(ticks(times, 1), resolution: 1)
        #expect(train.kind == .shared(3))
        #expect(abs(train.period - 1000) < 30)
    }

    @Test func `any times are taken`() {
        for times in [[], [5], [5, 5], Array(repeating: 7, count: 32), [0, .max], [0, 1, .max, .max]] as [[UInt32]] {
            _ = Train(times, resolution: 1)
            _ = Train(times, resolution: 100)
        }
        _ = Train((0..<32).map { $0 < 16 ? 0 : UInt32.max }, resolution: 1)
    }
}
