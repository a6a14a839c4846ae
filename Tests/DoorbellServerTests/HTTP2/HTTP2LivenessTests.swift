import Testing

@testable import DoorbellServer

@Suite struct HTTP2LivenessTests {
    func liveness() -> HTTP2Liveness { HTTP2Liveness(heartbeat: 10, idle: 30, now: 0) }

    @Test("with requests open it is pinged, and closed after two heartbeats without a sign of life")
    func dead() {
        var liveness = liveness()
        liveness.opened()
        #expect(liveness.beat(now: 10) == .ping)
        liveness.heard(now: 10.2)
        #expect(liveness.beat(now: 20) == .ping)
        #expect(liveness.beat(now: 30) == .ping)
        #expect(liveness.beat(now: 40) == .close)
    }

    @Test("without requests it is left in peace, then told to go, then closed")
    func idle() {
        var liveness = liveness()
        #expect(liveness.beat(now: 10) == .none)
        #expect(liveness.beat(now: 20) == .none)
        #expect(liveness.beat(now: 30) == .goAway)
        #expect(liveness.beat(now: 40) == .close)
    }

    @Test("a request starts the time of being idle anew, also one that came after it was told to go")
    func used() {
        var liveness = liveness()
        liveness.opened()
        liveness.ended(now: 25)
        #expect(liveness.beat(now: 30) == .none)
        #expect(liveness.beat(now: 60) == .goAway)
        liveness.heard(now: 61)
        liveness.opened()
        #expect(liveness.beat(now: 70) == .ping)
        liveness.heard(now: 70)
        liveness.ended(now: 75)
        #expect(liveness.beat(now: 80) == .none)
        #expect(liveness.beat(now: 110) == .close)
    }

    @Test("an end without a begin counts for nothing")
    func unknownEnd() {
        var liveness = liveness()
        liveness.ended(now: 1)
        liveness.opened()
        #expect(liveness.streams == 1)
    }
}
