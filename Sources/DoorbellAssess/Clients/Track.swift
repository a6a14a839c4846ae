/// What is known of one client and one URL that it has asked for more than once.
struct Track {
    var key: UInt64 = 0
    var client: UInt64 = 0
    var url: UInt64 = 0
    var endpoint: Int32 = 0
    var agent = AgentKind.none
    /// Times that wait to be judged.
    var pending: UInt8 = 0
    var count: UInt32 = 0
    /// Ticks of 10 ms since the log began.
    var first: UInt32 = 0
    var last: UInt32 = 0
    var status: UInt16 = 0
    var size: UInt32 = 0
    /// Answers that could be compared with the one before, and those that were the same.
    var compared: UInt32 = 0
    var unchanged: UInt32 = 0
    var notModified: UInt32 = 0
    var bytes: UInt64 = 0
    var unchangedBytes: UInt64 = 0
    var considered: UInt32 = 0
    var regular: UInt32 = 0
    var background: UInt32 = 0
    var pauses: UInt32 = 0
    /// Ticks between requests, without pauses.
    var active: UInt64 = 0
    var periods: Float = 0
    var jitters: Float = 0
    var regularSegments: UInt32 = 0
    /// Of them, those of one a minute: a timer of a minute, or a tab in the background.
    var minuteSegments: UInt32 = 0
    var minuteGaps: UInt32 = 0
    var sharedSegments: UInt32 = 0
    var irregularSegments: UInt32 = 0
    var sharers: Float = 0
    var sharedPeriods: Float = 0
    /// How much the length of one segment differs from the one before: timers keep it, people do not.
    var unsteadiness: Float = 0
    var steadySteps: UInt32 = 0
    var lastLength: UInt32 = 0

    /// Whether the next times are judged at all: who was never regular is looked at less and less.
    var isHopeless: Bool {
        irregularSegments >= 8 && regularSegments + sharedSegments == 0 && irregularSegments & 3 != 0
    }

    mutating func add(_ train: Train, length: UInt32) {
        switch train.kind {
        case .regular:
            regularSegments &+= 1
            if Train.minute.contains(UInt32(train.period)) {
                minuteSegments &+= 1
                minuteGaps &+= UInt32(train.regular)
            } else {
                periods += Float(train.period)
            }
            jitters += Float(train.jitter)
        case .shared(let count):
            sharedSegments &+= 1
            sharers += Float(count)
            sharedPeriods += Float(train.period)
        case .irregular:
            irregularSegments &+= 1
        }
        considered &+= UInt32(train.considered)
        regular &+= UInt32(train.regular)
        background &+= UInt32(train.background)
        pauses &+= UInt32(train.pauses)
        if lastLength > 0, length > 0, train.pauses == 0 {
            let ratio = Float(length) / Float(lastLength)
            unsteadiness += min(1, abs(ratio > 1 ? ratio - 1 : 1 / ratio - 1))
            steadySteps &+= 1
        }
        lastLength = train.pauses == 0 ? length : 0
    }

    /// Polls of a tab in the background.
    var throttled: Int {
        Int(background) + (minuteSegments > 0 && minuteSegments < regularSegments ? Int(minuteGaps) : 0)
    }

    /// What it was, all in all.
    enum Judgement: Equatable {
        /// Seconds.
        case polls(period: Double)
        case shared(clients: Int, period: Double)
        /// Many requests at an even rate, of which timers cannot be told apart: their number is not known. Requests a second.
        case crowd(rate: Double)
        case no
    }

    /// The longest period of a poller, in ticks: half an hour.
    static let longestPeriod = 180_000.0

    var judgement: Judgement {
        let gaps = Int(considered)
        let share = gaps > 0 ? Double(regular) / Double(gaps) : 0
        if gaps >= Train.fewest, share >= Train.threshold(gaps), regularSegments > 0 {
            let others = regularSegments - minuteSegments
            let period = others > 0 ? Double(periods) / Double(others) : 6000
            return period <= Self.longestPeriod ? .polls(period: period / 100) : .no
        }
        if sharedSegments > 0, sharedSegments >= irregularSegments {
            let count = Double(sharedSegments)
            let period = Double(sharedPeriods) / count
            return period <= Self.longestPeriod
                ? .shared(clients: max(2, Int((Double(sharers) / count).rounded())), period: period / 100) : .no
        }
        if steadySteps >= 5, unsteadiness / Float(steadySteps) < 0.09, active > 0, count >= 150 {
            return .crowd(rate: Double(count) / (Double(active) / 100))
        }
        return .no
    }
}
