import Testing

@testable import DoorbellReport

@Suite struct ScaleTests {
    @Test("a linear scale begins at zero, ends at a round number, and has few ticks")
    func linear() {
        let scale = Scale(.linear, covering: [3, 87], from: 300, to: 0)
        #expect(scale.low == 0 && scale.high == 100)
        #expect(scale.ticks == [0, 20, 40, 60, 80, 100])
        #expect(scale.place(0) == 300 && scale.place(50) == 150 && scale.place(100) == 0)
        #expect(scale.place(1000) == 0 && scale.place(-5) == 300)
        #expect(Scale(.linear, covering: [-3, 8], from: 0, to: 1).low == -5)
        #expect(
            Scale(.linear, covering: [0.25], from: 0, to: 1).ticks == [0, 0.05, 0.1, 0.15000000000000002, 0.2, 0.25])
    }

    @Test("a logarithmic scale covers whole powers of ten")
    func logarithmic() {
        let scale = Scale(.logarithmic, covering: [0.002, 40], from: 0, to: 500)
        #expect(scale.ticks.count == 6)
        #expect(abs(scale.low - 0.001) < 1e-9 && abs(scale.high - 100) < 1e-9)
        #expect(abs(scale.place(0.01) - 100) < 1e-9 && abs(scale.place(1) - 300) < 1e-9)
        #expect(scale.place(0) == 0 && scale.place(-1) == 0 && scale.place(1e9) == 500)
    }

    @Test("times have ticks at round moments: hours for a day, days for a week")
    func time() {
        let midnight = 1_795_651_200.0
        let day = Scale(.time, covering: [midnight, midnight + 86_400], from: 0, to: 100)
        #expect(
            day.ticks.count == 9
                && day.ticks.allSatisfy { ($0 - midnight).truncatingRemainder(dividingBy: 10_800) == 0 })
        #expect(
            Moment.tick(day.ticks[0], step: day.step) == "26 Nov"
                && Moment.tick(day.ticks[1], step: day.step) == "03:00")
        let week = Scale(.time, covering: [midnight + 600, midnight + 7 * 86_400], from: 0, to: 100)
        #expect(week.ticks.count == 7 && Moment.tick(week.ticks[0], step: week.step) == "27 Nov")
        let minute = Scale(.time, covering: [midnight + 61, midnight + 90], from: 0, to: 100)
        #expect(Moment.tick(minute.ticks[0], step: minute.step) == "00:01:05")
    }

    @Test(
        "whatever it is given, places are finite and between the ends",
        arguments: [
            [], [0], [1], [-1], [.nan], [.infinity], [-.infinity, .infinity], [.nan, 5], [1e308, -1e308],
            [.leastNonzeroMagnitude],
            [.greatestFiniteMagnitude],
            [0, 0, 0], [1e15, 1e15 + 1], [1_795_651_200, .nan],
        ] as [[Double]])
    func hostile(_ values: [Double]) {
        for kind in [Scale.Kind.linear, .logarithmic, .time] {
            let scale = Scale(kind, covering: values, from: 10, to: 20)
            #expect(scale.low < scale.high, "\(kind)")
            #expect(scale.ticks.count <= 16 && scale.ticks.allSatisfy(\.isFinite))
            for value in values + [0, 1, -1, .nan, .infinity, -.infinity, 1e308] + scale.ticks {
                let place = scale.place(value)
                #expect(place >= 10 && place <= 20, "\(kind) \(value)")
            }
        }
    }

    @Test("labels that would lie on one another are moved apart, and stay within the bounds")
    func spread() {
        #expect(PlotCanvas.spread([10, 10, 10], distance: 15, low: 0, high: 100) == [10, 25, 40])
        #expect(PlotCanvas.spread([98, 50, 99], distance: 15, low: 0, high: 100) == [85, 50, 100])
        #expect(PlotCanvas.spread([], distance: 15, low: 0, high: 100) == [])
        #expect(PlotCanvas.spread([5, 5, 5], distance: 15, low: 0, high: 10).allSatisfy { $0 >= 0 && $0 <= 10 })
    }
}
