/// For how long the radio of one client would have been on, had it been alone on a phone. Pure: moments in, seconds out; a few numbers for a
/// client, however long it is watched.
///
/// Times are seconds of one clock, from any begin. Feed every transfer in either direction: polls, messages, heartbeats. One that is earlier than
/// the one before counts as one at the same time.
public struct RadioClock: Sendable, Hashable {
    /// A client that nothing went to or came from for longer than this is taken to be in the background, 60 s: pages and apps stop polling there and
    /// close their sockets, and an open socket has a heartbeat sooner.
    public static let foregroundGap = 60.0

    private let model: RadioModel
    private let gap: Double
    /// Of periods that are over.
    private var finished = 0.0
    /// Times that it went from idle to connected.
    public private(set) var promotions: UInt64 = 0
    /// The period that is on, or was last.
    private var onSince = 0.0
    private var offAt = 0.0
    /// Foreground before ``last``.
    private var present = 0.0
    private var first: Double?
    private var last = 0.0

    /// - Parameter foregroundGap: Seconds, see ``foregroundGap``; longer where clients poll less often than that.
    public init(model: RadioModel = .lte, foregroundGap: Double = RadioClock.foregroundGap) {
        self.model = model
        gap = foregroundGap
    }

    /// Something was sent or received.
    public mutating func transfer(at moment: Double) {
        guard moment.isFinite else { return }
        guard first != nil else {
            first = moment
            last = moment
            return begin(at: moment)
        }
        let moment = max(moment, last)
        present += min(moment - last, gap)
        last = moment
        if moment >= offAt {
            finished += offAt - onSince
            begin(at: moment)
        } else {
            offAt = max(offAt, moment + model.tail)
        }
    }

    private mutating func begin(at moment: Double) {
        promotions += 1
        onSince = moment
        offAt = moment + model.promotion + model.tail
    }

    /// Seconds that the radio was on until `moment`, promotions included.
    public func onSeconds(until moment: Double) -> Double {
        guard first != nil, moment.isFinite else { return 0 }
        return finished + max(0, min(moment, offAt) - onSince)
    }

    /// Seconds from the first transfer until `moment`: a client that is always on.
    public func watchedSeconds(until moment: Double) -> Double {
        guard let first, moment.isFinite else { return 0 }
        return max(0, moment - first)
    }

    /// Of ``watchedSeconds(until:)``: those in which the client was in the foreground, as far as its traffic tells.
    public func foregroundSeconds(until moment: Double) -> Double {
        guard first != nil, moment.isFinite else { return 0 }
        return present + max(0, min(moment - last, gap))
    }
}
