/// Whether an HTTP/2 connection is still wanted, and its peer still there. Pure; times are seconds on a steady clock.
///
/// A connection with streams is pinged, because an answer may take as long as it likes and nothing else would show that nobody waits
/// for it any more. One without streams is left in peace until it has been idle for long enough.
struct HTTP2Liveness {
    enum Action: Equatable {
        case none
        /// RFC 9113, section 6.7.
        case ping
        /// Nobody has used it for a while: tell the peer, which may have a request on its way.
        case goAway
        case close
    }

    private let heartbeat: Double
    private let idle: Double
    private var lastHeard: Double
    /// When the last stream ended.
    private var quietSince: Double
    private(set) var streams = 0
    private var isGoingAway = false

    init(heartbeat: Double, idle: Double, now: Double) {
        self.heartbeat = heartbeat
        self.idle = idle
        lastHeard = now
        quietSince = now
    }

    mutating func heard(now: Double) { lastHeard = now }

    mutating func opened() { streams += 1 }

    mutating func ended(now: Double) {
        streams = max(0, streams - 1)
        quietSince = now
    }

    /// Once a heartbeat.
    mutating func beat(now: Double) -> Action {
        guard streams == 0 else {
            // A hair less than two, so that a beat that comes a moment early does not grant a third.
            return now - lastHeard >= heartbeat * 1.99 ? .close : .ping
        }
        guard now - quietSince >= idle else { return .none }
        // A peer that does not go within one more heartbeat is not waited for.
        defer { isGoingAway = true }
        return isGoingAway ? .close : .goAway
    }
}
