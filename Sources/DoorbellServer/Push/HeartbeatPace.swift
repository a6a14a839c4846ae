/// How many slots of a loop's heartbeat wheels are due. Pure.
///
/// Slots are served by the time that has passed: a loop that is late serves several at one tick, so that no turn takes longer than a heartbeat.
struct HeartbeatPace {
    let slots: Int
    /// Seconds from one slot to the next.
    let period: Double
    /// Steady seconds.
    private var servedUntil = 0.0

    /// - Parameter heartbeat: Seconds.
    init(heartbeat: Double) {
        // Forty ticks a second cost little, and a slot of 10,000 connections is ten pings: nobody else waits longer for them than for a message.
        slots = Int(min(1024, max(1, heartbeat * 40)))
        period = max(0.001, heartbeat / Double(slots))
    }

    /// Seconds until slots are served again. While most of them are empty, several at once, so that an idle service with a few clients is not woken
    /// forty times a second: as many as have one member together, for a twentieth of a heartbeat at most.
    func rest(members: Int) -> Double {
        period * Double(max(1, min(slots / max(1, members), slots / 20, 10)))
    }

    /// There is somebody to serve.
    mutating func begin(at now: Double) { servedUntil = now }

    /// - Returns: Slots to serve now, a turn at most: a loop that stood still for longer has served everybody by that.
    mutating func due(at now: Double) -> Int {
        let due = Int(max(0, min(Double(slots), ((now - servedUntil) / period).rounded(.down))))
        servedUntil += Double(due) * period
        if servedUntil + period <= now { servedUntil = now }
        return due
    }
}
