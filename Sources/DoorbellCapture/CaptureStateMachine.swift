// The bell: no wake-up is lost.
//
// A writer inserts its row and then tries the bell's lock, shared. Either it gets the lock, and then this service cannot fall
// asleep before the writer's transaction has ended, and drains after that; or it does not, because the service holds the
// lock exclusively, and then it notifies at its commit, which the sleeping service hears. The drain after the lock was
// taken covers a writer that committed between the drain before and the lock. Leave out any one of these steps and changes
// arrive late: `BellModelTests` shows it for each.

/// Decides what capture does next: one event in, one action out, time as an argument. Knows nothing of connections.
struct CaptureStateMachine: Sendable {
    struct Timing: Sendable, Equatable {
        /// Between two ticks while there is work: each tick is a commit that competes with the writers' own.
        var tickInterval: Duration = .microseconds(1500)
        /// The same at the highest rates, see ``pace(rows:)``.
        var longestTickInterval: Duration = .milliseconds(20)
        /// Rows a second up to which ticks are ``tickInterval`` apart.
        var easyRate = 1500.0
        /// Between two looks at an outbox that was empty, at first.
        var shortestPause: Duration = .milliseconds(1)
        /// The same when nothing has come for long but the bell cannot be taken, or is not used.
        var longestPause: Duration = .milliseconds(50)
        /// How long to look again and again before falling asleep, while changes come often, see ``CaptureStateMachine/patience``.
        var awakeFor: Duration = .milliseconds(20)
        /// Changes that are further apart than this are waited for asleep. Falling asleep and being rung take three statements and a
        /// notification; looking until the next change takes one a millisecond.
        var longGap: Duration = .milliseconds(8)
        /// How long to sleep without being woken.
        var safetyTimer: Duration = .seconds(1)
        /// Between two self-notify probes.
        var probeInterval: Duration = .seconds(10)
    }

    enum State: Equatable {
        /// Opening connections, reading what is not delivered yet. Left by `opened` or `failed`.
        case connecting
        /// Not connected; left when the wait is over.
        case backingOff
        /// Another process makes the ticks; we deliver them. Left for `draining` when that process goes away.
        case following
        /// We make the ticks, and the last one had rows.
        case draining
        /// The last look found nothing; looking again until `sleepAt`, at growing distances.
        case awake(pause: Duration, sleepAt: ContinuousClock.Instant)
        /// The bell's lock is being taken, or has been: one more look must find nothing.
        case fallingAsleep(pause: Duration, holding: Bool)
        /// We hold the bell's lock and wait for the socket.
        case asleep
        /// The end.
        case stopped
    }

    enum Event: Equatable {
        case opened(leader: Bool)
        /// Not connected, or not any more.
        case failed
        case waited
        /// A look at the outbox: how many rows its tick has; 0 made none.
        case ticked(rows: Int)
        case bellTaken(Bool)
        case bellReleased
        /// The wait on the socket is over: whether something was said.
        case woke(rung: Bool)
        case probed
        /// A follower has delivered what there is: whether it leads from now on.
        case followed(leader: Bool)
        case stop
    }

    enum Action: Equatable {
        case connect
        /// Drop the connections, wait as long as the backoff says.
        case backOff
        case tick
        case pause(Duration)
        case takeBell
        case releaseBell
        case sleep(Duration)
        case probe
        /// Deliver new ticks; lead if nobody does.
        case follow
        case finish
    }

    private(set) var state = State.connecting
    private let timing: Timing
    /// Whether writers may be asked to ring. `false`: never asleep.
    var mayUseBell = true
    private var probeAt: ContinuousClock.Instant?
    private var tickedAt: ContinuousClock.Instant?
    private var tickedBefore: ContinuousClock.Instant?
    /// From the start of a tick to its delivery, on average.
    private var cost = Duration.zero
    /// The start of the last tick that had rows.
    private var rowsAt: ContinuousClock.Instant?
    /// From one such start to the next, on average, none counted as more than ``longestGap``; `nil` until there were two.
    private var gap: Duration?
    private static let longestGap: Duration = .seconds(1)
    /// From the start of the last tick to that of the next.
    private var pace: Duration

    init(timing: Timing = Timing()) {
        self.timing = timing
        self.pace = timing.tickInterval
    }

    mutating func start() -> Action {
        state = .connecting
        return .connect
    }

    mutating func handle(_ event: Event, now: ContinuousClock.Instant) -> Action {
        switch (event, state) {
        case (_, .stopped), (.stop, _):
            state = .stopped
            return .finish
        case (.failed, _):
            state = .backingOff
            return .backOff
        case (.opened(let leader), _):
            probeAt = now + timing.probeInterval
            return leader ? lead() : follow()
        case (.waited, .backingOff):
            state = .connecting
            return .connect
        case (.waited, _):
            return tick(now)
        case (.ticked(let rows), _):
            return rows > 0 ? foundRows(rows, now) : foundNothing(now)
        case (.bellTaken(let taken), _):
            return bell(taken, now)
        case (.bellReleased, _):
            return state == .draining ? pauseAfterTick(now) : tick(now)
        case (.woke(let rung), .following):
            if !rung, let probeAt, now >= probeAt { return .probe }
            return .follow
        case (.woke(rung: true), _):
            state = awake(now)
            return .releaseBell
        case (.woke(rung: false), _):
            // Instead of a look: an idle service says no more than one thing a second.
            if let probeAt, now >= probeAt { return .probe }
            return tick(now)
        case (.probed, _):
            probeAt = now + timing.probeInterval
            return .sleep(timing.safetyTimer)
        case (.followed(let leader), _):
            return leader ? lead() : .sleep(timing.safetyTimer)
        }
    }

    private mutating func lead() -> Action {
        state = .draining
        (tickedAt, tickedBefore, rowsAt, gap) = (nil, nil, nil, nil)
        return .tick
    }

    private mutating func follow() -> Action {
        state = .following
        return .follow
    }

    private mutating func tick(_ now: ContinuousClock.Instant) -> Action {
        tickedBefore = tickedAt
        tickedAt = now
        return .tick
    }

    private mutating func foundRows(_ rows: Int, _ now: ContinuousClock.Instant) -> Action {
        let held = holdsBell
        // An average, because one slow tick says nothing of the next.
        if let tickedAt {
            cost += (now - tickedAt - cost) / 8
            if let rowsAt {
                let distance = min(Self.longestGap, tickedAt - rowsAt)
                gap = gap.map { $0 + (distance - $0) / 8 } ?? distance
            }
            rowsAt = tickedAt
        }
        pace = pace(rows: rows)
        if held || !mayUseBell || patience > .zero {
            state = .draining
            return held ? .releaseBell : pauseAfterTick(now)
        }
        state = .fallingAsleep(pause: .zero, holding: false)
        return .takeBell
    }

    /// Each tick costs the database a commit and two reads, and takes them from the writers: the more they write, the further apart
    /// ticks are, in proportion to the rate; and on a disk whose flushes take long, ticks take two thirds of the time at most. Never
    /// further apart than ``Timing/longestTickInterval``.
    private func pace(rows: Int) -> Duration {
        guard let tickedAt, let tickedBefore else { return timing.tickInterval }
        let seconds = max(tickedAt - tickedBefore, timing.tickInterval, .milliseconds(1)) / .seconds(1)
        let byRate = timing.tickInterval * (Double(rows) / seconds / timing.easyRate)
        return max(timing.tickInterval, min(max(byRate, cost * 1.5), timing.longestTickInterval))
    }

    /// Ticks keep their distance from start to start, so that a long drain is followed by the next one at once.
    private func pauseAfterTick(_ now: ContinuousClock.Instant) -> Action {
        guard let tickedAt else { return .pause(pace) }
        return .pause(max(.zero, tickedAt + pace - now))
    }

    private var holdsBell: Bool {
        switch state {
        case .asleep, .fallingAsleep(_, holding: true): true
        case .connecting, .backingOff, .following, .draining, .awake, .fallingAsleep(_, holding: false), .stopped: false
        }
    }

    /// How long to stay awake when nothing comes: not at all when the next change is not to be expected soon. On a slow disk that is later: a rung
    /// writer commits under a lock of the whole database until its flush is done, which costs others more than looking does.
    private var patience: Duration {
        guard let gap, gap > max(timing.longGap, cost * 2) else { return timing.awakeFor }
        return .zero
    }

    /// Awake, or with no patience about to fall asleep: then its pause is zero.
    private func awake(_ now: ContinuousClock.Instant) -> State {
        let patience = mayUseBell ? patience : timing.awakeFor
        return .awake(pause: patience > .zero ? timing.shortestPause : .zero, sleepAt: now + patience)
    }

    private mutating func foundNothing(_ now: ContinuousClock.Instant) -> Action {
        switch state {
        case .draining, .connecting, .backingOff, .following, .stopped:
            state = awake(now)
            return stayAwake(now)
        case .awake: return stayAwake(now)
        case .fallingAsleep(_, holding: true), .asleep:
            state = .asleep
            return .sleep(timing.safetyTimer)
        case .fallingAsleep(_, holding: false):
            return .takeBell
        }
    }

    private mutating func stayAwake(_ now: ContinuousClock.Instant) -> Action {
        guard case .awake(let pause, let sleepAt) = state else { return tick(now) }
        guard now >= sleepAt else { return .pause(pause) }
        guard mayUseBell else {
            let longer = min(timing.longestPause, pause * 2)
            state = .awake(pause: longer, sleepAt: sleepAt)
            return .pause(longer)
        }
        state = .fallingAsleep(pause: pause, holding: false)
        return .takeBell
    }

    private mutating func bell(_ taken: Bool, _ now: ContinuousClock.Instant) -> Action {
        guard case .fallingAsleep(let pause, _) = state else { return taken ? .releaseBell : tick(now) }
        if taken {
            state = .fallingAsleep(pause: pause, holding: true)
            return tick(now)
        }
        // Some transaction that saw us awake is still open: look at its end, without hurry if it is a long one.
        if pause == .zero {
            state = .awake(pause: timing.shortestPause, sleepAt: now + timing.awakeFor)
            return .pause(timing.shortestPause)
        }
        let longer = min(timing.longestPause, pause * 2)
        state = .awake(pause: longer, sleepAt: now)
        return .pause(longer)
    }
}
