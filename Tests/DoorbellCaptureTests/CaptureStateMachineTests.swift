import Testing

@testable import DoorbellCapture

@Suite("CaptureStateMachine") struct CaptureStateMachineTests {
    private let start = ContinuousClock.now

    private func leading() -> CaptureStateMachine {
        var machine = CaptureStateMachine()
        #expect(machine.start() == .connect)
        #expect(machine.handle(.opened(leader: true), now: start) == .tick)
        return machine
    }

    /// Asleep at `start + 25 ms`.
    private func asleep() -> CaptureStateMachine {
        var machine = leading()
        let later = start + .milliseconds(25)
        #expect(machine.handle(.ticked(rows: 0), now: start) == .pause(.milliseconds(1)))
        #expect(machine.handle(.waited, now: start + .milliseconds(1)) == .tick)
        #expect(machine.handle(.ticked(rows: 0), now: later) == .takeBell)
        #expect(machine.handle(.bellTaken(true), now: later) == .tick)
        #expect(machine.handle(.ticked(rows: 0), now: later) == .sleep(.seconds(1)))
        #expect(machine.state == .asleep)
        return machine
    }

    private let interval = CaptureStateMachine.Timing().tickInterval

    @Test("it falls asleep only after a look with the bell's lock in its hand") func lastDrain() {
        _ = asleep()
    }

    @Test("rows found by the last look give the lock back before anything else") func lastDrainFinds() {
        var machine = leading()
        _ = machine.handle(.ticked(rows: 0), now: start)
        _ = machine.handle(.ticked(rows: 0), now: start + .milliseconds(25))
        _ = machine.handle(.bellTaken(true), now: start + .milliseconds(25))
        #expect(machine.handle(.ticked(rows: 1), now: start + .milliseconds(26)) == .releaseBell)
        #expect(machine.handle(.bellReleased, now: start + .milliseconds(26)) == .pause(interval - .milliseconds(1)))
    }

    @Test("rung, it lets the lock go and then looks") func rung() {
        var machine = asleep()
        let now = start + .milliseconds(100)
        #expect(machine.handle(.woke(rung: true), now: now) == .releaseBell)
        #expect(machine.handle(.bellReleased, now: now) == .tick)
        #expect(machine.handle(.ticked(rows: 1), now: now) == .pause(interval))
        #expect(machine.state == .draining)
    }

    @Test("the safety timer looks without letting the lock go, and probes every ten seconds") func safetyTimer() {
        var machine = asleep()
        #expect(machine.handle(.woke(rung: false), now: start + .seconds(1)) == .tick)
        #expect(machine.handle(.ticked(rows: 0), now: start + .seconds(1)) == .sleep(.seconds(1)))
        #expect(machine.handle(.woke(rung: false), now: start + .seconds(10)) == .probe)
        #expect(machine.handle(.probed, now: start + .seconds(10)) == .sleep(.seconds(1)))
        #expect(machine.handle(.woke(rung: false), now: start + .seconds(11)) == .tick)
        #expect(machine.handle(.ticked(rows: 1), now: start + .seconds(11)) == .releaseBell)
    }

    /// Changes that are `gap` milliseconds apart, each tick taking `cost`. - Returns: Looks that found nothing, for a change.
    private func emptyLooks(gap: Int, cost: Int) -> Int {
        var machine = leading()
        var (now, looks) = (start, 0)
        var action = machine.handle(.ticked(rows: 1), now: now)
        for _ in 0..<50 {
            let next = now + .milliseconds(gap)
            looks = 0
            while now < next {
                switch action {
                case .pause(let pause):
                    now += max(pause, .microseconds(100))
                    action = machine.handle(.waited, now: now)
                case .tick:
                    looks += 1
                    action = machine.handle(.ticked(rows: 0), now: now)
                case .takeBell: action = machine.handle(.bellTaken(true), now: now)
                default:
                    now = next
                    action = machine.handle(.woke(rung: true), now: now)
                    if action == .releaseBell { action = machine.handle(.bellReleased, now: now) }
                }
            }
            if case .pause = action { action = machine.handle(.waited, now: now) }
            now += .milliseconds(cost)
            action = machine.handle(.ticked(rows: 1), now: now)
        }
        return looks
    }

    @Test(
        "between changes that are far apart it sleeps at once; those that are close, or on a slow disk, find it awake")
    func fewEmptyLooks() {
        #expect(emptyLooks(gap: 19, cost: 0) == 1)
        #expect(emptyLooks(gap: 1000, cost: 0) == 1)
        #expect(emptyLooks(gap: 7, cost: 0) > 3)
        // A flush takes 12 ms: a writer that comes 11 ms after it need not ring.
        #expect(emptyLooks(gap: 11, cost: 12) > 5)
    }

    @Test("a transaction that is open when it would sleep at once is looked for as often as ever")
    func openTransaction() {
        var machine = leading()
        var now = start
        for _ in 0..<2 {
            #expect(machine.handle(.ticked(rows: 1), now: now) == .pause(interval))
            now += .milliseconds(20)
            #expect(machine.handle(.waited, now: now) == .tick)
        }
        #expect(machine.handle(.ticked(rows: 1), now: now) == .takeBell)
        for milliseconds in 0..<20 {
            let now = now + .milliseconds(milliseconds)
            let held =
                milliseconds == 0
                ? machine.handle(.bellTaken(false), now: now) : machine.handle(.ticked(rows: 0), now: now)
            #expect(held == .pause(.milliseconds(1)))
            #expect(machine.handle(.waited, now: now) == .tick)
        }
        #expect(machine.handle(.ticked(rows: 0), now: now + .milliseconds(20)) == .takeBell)
        #expect(machine.handle(.bellTaken(false), now: now + .milliseconds(20)) == .pause(.milliseconds(2)))
    }

    @Test("while a transaction holds the bell it stays awake, slower and slower") func longTransaction() {
        var machine = leading()
        _ = machine.handle(.ticked(rows: 0), now: start)
        var now = start + .milliseconds(25)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            #expect(machine.handle(.ticked(rows: 0), now: now) == .takeBell)
            guard case .pause(let pause) = machine.handle(.bellTaken(false), now: now) else { return }
            pauses.append(pause)
            now += pause
            #expect(machine.handle(.waited, now: now) == .tick)
        }
        #expect(pauses == [2, 4, 8, 16, 32, 50, 50, 50].map { .milliseconds($0) })
    }

    @Test("without a bell it never sleeps") func polling() {
        var machine = leading()
        machine.mayUseBell = false
        var now = start
        for _ in 0..<100 {
            guard case .pause(let pause) = machine.handle(.ticked(rows: 0), now: now) else {
                Issue.record("not a pause")
                return
            }
            #expect(pause <= .milliseconds(50))
            now += pause
            #expect(machine.handle(.waited, now: now) == .tick)
        }
    }

    @Test("ticks keep their distance from start to start") func pacing() {
        var machine = leading()
        _ = machine.handle(.ticked(rows: 0), now: start)
        #expect(machine.handle(.waited, now: start) == .tick)
        #expect(machine.handle(.ticked(rows: 1), now: start + .milliseconds(1)) == .pause(interval - .milliseconds(1)))
        #expect(machine.handle(.waited, now: start + .milliseconds(4)) == .tick)
        #expect(machine.handle(.ticked(rows: 1), now: start + .seconds(9)) == .pause(.zero))
    }

    @Test("a follower follows until it leads") func following() {
        var machine = CaptureStateMachine()
        _ = machine.start()
        #expect(machine.handle(.opened(leader: false), now: start) == .follow)
        #expect(machine.handle(.followed(leader: false), now: start) == .sleep(.seconds(1)))
        #expect(machine.handle(.woke(rung: true), now: start) == .follow)
        #expect(machine.handle(.followed(leader: false), now: start) == .sleep(.seconds(1)))
        #expect(machine.handle(.woke(rung: false), now: start + .seconds(10)) == .probe)
        #expect(machine.handle(.probed, now: start + .seconds(10)) == .sleep(.seconds(1)))
        #expect(machine.handle(.woke(rung: false), now: start + .seconds(11)) == .follow)
        #expect(machine.handle(.followed(leader: true), now: start + .seconds(11)) == .tick)
        #expect(machine.state == .draining)
    }

    @Test("a lost connection is waited out and made again, from any state") func lost() {
        for var machine in [leading(), asleep()] {
            #expect(machine.handle(.failed, now: start) == .backOff)
            #expect(machine.handle(.waited, now: start) == .connect)
            #expect(machine.handle(.failed, now: start) == .backOff)
            #expect(machine.handle(.waited, now: start) == .connect)
            #expect(machine.handle(.opened(leader: true), now: start) == .tick)
            #expect(machine.handle(.stop, now: start) == .finish)
            #expect(machine.handle(.woke(rung: true), now: start) == .finish)
        }
    }

    @Test("the more is written, and the longer a tick takes, the further apart ticks are, up to a bound")
    func pace() {
        let timing = CaptureStateMachine.Timing(tickInterval: .milliseconds(2), easyRate: 1000)
        func pause(after rows: Int, taking milliseconds: Int = 0) -> CaptureStateMachine.Action {
            var machine = CaptureStateMachine(timing: timing)
            let start = ContinuousClock.now
            _ = machine.start()
            _ = machine.handle(.opened(leader: true), now: start)
            _ = machine.handle(.ticked(rows: 1), now: start)
            _ = machine.handle(.waited, now: start)
            _ = machine.handle(.ticked(rows: 1), now: start)
            // The next tick begins 4 ms after that one.
            let begun = start + .milliseconds(4)
            _ = machine.handle(.waited, now: begun)
            return machine.handle(.ticked(rows: rows), now: begun + .milliseconds(milliseconds))
        }
        #expect(pause(after: 1) == .pause(.milliseconds(2)))
        #expect(pause(after: 4) == .pause(.milliseconds(2)))  // 1,000 a second
        #expect(pause(after: 16) == .pause(.milliseconds(8)))
        #expect(pause(after: 1000) == .pause(.milliseconds(20)))
        // From start to start half as much again as one takes on average; one slow tick is an eighth of that.
        #expect(pause(after: 1, taking: 12) == .pause(.zero))
        #expect(pause(after: 1, taking: 1) == .pause(.milliseconds(1)))
        var slow = CaptureStateMachine(timing: timing)
        var now = ContinuousClock.now
        _ = slow.start()
        _ = slow.handle(.opened(leader: true), now: now)
        var last = CaptureStateMachine.Action.finish
        for _ in 0..<100 {
            last = slow.handle(.ticked(rows: 1), now: now + .milliseconds(4))
            now += .milliseconds(8)
            _ = slow.handle(.waited, now: now)
        }
        guard case .pause(let pause) = last else {
            Issue.record("no pause")
            return
        }
        #expect(abs((pause - .milliseconds(2)) / .milliseconds(1)) < 0.1)
    }
}
