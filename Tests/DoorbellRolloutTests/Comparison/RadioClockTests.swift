import DoorbellRollout
import Testing

/// Timelines that can be worked out by hand: promotion 0.2601 s, tail 11.576 s.
@Suite struct RadioClockTests {
    func clock(_ moments: [Double], gap: Double = RadioClock.foregroundGap) -> RadioClock {
        var clock = RadioClock(foregroundGap: gap)
        for moment in moments { clock.transfer(at: moment) }
        return clock
    }

    func equal(_ value: Double, _ expected: Double) -> Bool { abs(value - expected) < 1e-9 }

    @Test("one transfer switches the radio on for promotion and tail, and no longer")
    func one() {
        let one = clock([100])
        #expect(equal(one.onSeconds(until: 100), 0))
        #expect(equal(one.onSeconds(until: 105), 5))
        #expect(equal(one.onSeconds(until: 111.8361), 11.8361))
        #expect(equal(one.onSeconds(until: 1000), 11.8361))
        #expect(one.promotions == 1)
    }

    @Test("a poll every three seconds keeps it on for ever, with one promotion")
    func polling() {
        let polls = clock((0..<1200).map { Double($0) * 3 })
        #expect(equal(polls.onSeconds(until: 3600), 3600))
        #expect(polls.promotions == 1)
        // The last poll is at 3597; the promotion was over long before.
        #expect(equal(polls.onSeconds(until: 5000), 3597 + 11.576))
    }

    @Test("transfers that are further apart than the tail pay for each")
    func apart() {
        let rare = clock([0, 60, 120])
        #expect(equal(rare.onSeconds(until: 180), 3 * 11.8361))
        #expect(rare.promotions == 3)
        // On the dot of the end of the first period: a new one begins.
        #expect(clock([0, 11.8361]).promotions == 2)
        #expect(clock([0, 11.83]).promotions == 1)
    }

    @Test("a transfer within the tail prolongs it, one within the promotion does not shorten it")
    func prolongs() {
        #expect(equal(clock([0, 10]).onSeconds(until: 100), 21.576))
        #expect(equal(clock([0, 0.1]).onSeconds(until: 100), 11.8361))
    }

    @Test("a heartbeat every 25 seconds leaves it on for less than half of the time")
    func heartbeats() {
        let quiet = clock((0..<144).map { Double($0) * 25 })
        #expect(equal(quiet.onSeconds(until: 3600), 144 * 11.8361))
        #expect(quiet.promotions == 144)
    }

    @Test("the foreground ends with the traffic, and a pause counts as foreground up to the gap only")
    func foreground() {
        // A minute of polls, an hour in the pocket, another minute of polls.
        let minute = (0...20).map { Double($0) * 3 }
        let visits = clock(minute + minute.map { $0 + 3660 })
        #expect(equal(visits.watchedSeconds(until: 3720), 3720))
        #expect(equal(visits.foregroundSeconds(until: 3720), 60 + 60 + 60))
        #expect(equal(visits.foregroundSeconds(until: 9000), 60 + 60 + 60 + 60))
        #expect(equal(visits.onSeconds(until: 3720), 60 + 11.576 + 60))
        // Polls every two minutes with a gap that suits them.
        #expect(equal(clock([0, 120, 240], gap: 180).foregroundSeconds(until: 240), 240))
    }

    @Test("nothing, broken clocks and numbers that are none do no harm")
    func hostile() {
        let none = clock([])
        #expect(
            none.onSeconds(until: 10) == 0 && none.watchedSeconds(until: 10) == 0
                && none.foregroundSeconds(until: 10) == 0)
        #expect(clock([.nan, .infinity]).promotions == 0)
        let backwards = clock([100, 50])
        #expect(equal(backwards.onSeconds(until: 200), 11.8361))
        #expect(backwards.onSeconds(until: 50) == 0 && backwards.watchedSeconds(until: 50) == 0)
        #expect(backwards.onSeconds(until: .nan) == 0 && backwards.foregroundSeconds(until: .infinity) == 0)
        #expect(clock([-1e308, 1e308]).promotions == 2)
    }

    @Test("energy is what promotions, tails and idle listening take")
    func energy() {
        let model = RadioModel.lte
        // One hour of polling every 3 s: 0.2601 s at 1.2107 W, the rest at 1.06 W.
        #expect(equal(model.energy(onSeconds: 3600, promotions: 1, of: 3600), 0.2601 * 1.2107 + 3599.7399 * 1.06))
        // One hour asleep: 0.5943 W for 43.2 of 1280.2 ms, 72.2 J.
        #expect(abs(model.energy(onSeconds: 0, promotions: 0, of: 3600) - 72.196) < 0.001)
        // One message: 0.315 J, 12.27 J, and 3588.1639 s asleep.
        #expect(abs(model.energy(onSeconds: 11.8361, promotions: 1, of: 3600) - (0.3149 + 12.2706 + 71.9588)) < 0.001)
    }

    @Test("a usage adds clients up")
    func usage() {
        var usage = ComparisonReport.RadioUsage(path: .poll)
        usage.add(clock([0]), until: 100)
        usage.add(clock([0, 50]), until: 100)
        #expect(usage.clients == 2 && usage.promotions == 3)
        #expect(equal(usage.radioSeconds, 3 * 11.8361) && equal(usage.watchedSeconds, 200))
        #expect(equal(usage.foregroundSeconds, 60 + 100))
    }
}
