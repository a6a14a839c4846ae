import DoorbellReport

/// Where a simulation is.
public struct SimulationProgress: Sendable, Equatable {
    /// The phase's name, or what is done between phases.
    public var phase: String
    /// What is being done: `connecting`, `warming up`, `measuring`, `settling`.
    public var activity: String
    /// From 0 to 1, of the whole simulation; an estimate.
    public var share: Double
    /// Of the whole simulation; an estimate.
    public var secondsLeft: Double
    /// Polls or messages a second, of late; `nil` while nothing is measured.
    public var rate: Double?

    public init(phase: String, activity: String, share: Double, secondsLeft: Double, rate: Double? = nil) {
        self.phase = phase
        self.activity = activity
        self.share = share
        self.secondsLeft = secondsLeft
        self.rate = rate
    }

    /// One line for a terminal, at most `width` columns: `polling  [######------]  12 s left, 2,500 a second`.
    public func bar(width: Int) -> String {
        let rate = self.rate.map { ", \(Figures.digits($0)) a second" } ?? ""
        let tail = "\(phase): \(activity), \(Int(max(0, secondsLeft).rounded(.up))) s left\(rate)"
        let room = min(30, width - tail.count - 4)
        guard room >= 5 else { return String(tail.prefix(max(0, width))) }
        let done = Int((Double(room) * min(max(share, 0), 1)).rounded(.down))
        return "[" + String(repeating: "#", count: done) + String(repeating: "-", count: room - done) + "] " + tail
    }
}
