/// What was counted of one route and method. Merged with another when their routes turn out to be one.
struct Endpoint {
    let method: LogMethod
    var kind = TargetKind.plain
    var requests = 0
    var bytes: UInt64 = 0
    var notModified = 0
    var clientErrors = 0
    var serverErrors = 0
    var partial = 0
    /// Microseconds that answers took, where the log says.
    var durations: UInt64 = 0
    var timed = 0
    var clients = DistinctCounter()
    var urls = DistinctCounter()
    var series = TimeSeries()
    /// By ``AgentKind``.
    var agents = [Int](repeating: 0, count: AgentKind.allCases.count)
    private var second: UInt32 = 0
    private var inSecond = 0
    private(set) var peakSecond = 0
    private var minute: UInt32 = 0
    private var inMinute = 0
    private(set) var peakMinute = 0
    /// Query keys as they were seen, with what their values look like.
    var query = QueryKeys()
    var polling = Polling()

    init(method: LogMethod) { self.method = method }

    /// What its pollers did.
    struct Polling {
        /// Pairs of a client and a URL; several clients behind one address count as that many.
        var pollers = 0
        var pairs = 0
        var sharedPairs = 0
        /// Pairs with an even stream of requests of which the clients cannot be told apart, and their requests a second.
        var crowds = 0
        var crowdRate = 0.0
        var requests = 0
        var clients = DistinctCounter()
        var urls = DistinctCounter()
        var periods = LengthHistogram()
        /// Times between polls, weighted by how often they were.
        var gaps = LengthHistogram()
        var jitter = 0.0
        var regularity = 0.0
        var judged = 0
        var background = 0.0
        var compared = 0
        var unchanged = 0
        var notModified = 0
        var bytes: UInt64 = 0
        var unchangedBytes: UInt64 = 0
        /// Seconds that pollers were watching, added up.
        var watched = 0.0
        var monitors = 0
        var bots = 0
    }

    /// - Parameter second: Since the log began.
    @inline(__always)
    mutating func count(_ entry: LogEntry, second: UInt32) {
        requests &+= 1
        bytes &+= UInt64(entry.bytes)
        switch entry.status {
        case 304: notModified &+= 1
        case 206: partial &+= 1
        case 400..<500: clientErrors &+= 1
        case 500...: serverErrors &+= 1
        default: break
        }
        if entry.duration != LogEntry.unknownDuration {
            durations &+= UInt64(entry.duration)
            timed &+= 1
        }
        clients.insert(entry.client)
        urls.insert(entry.url)
        agents[Int(entry.agent.rawValue)] &+= 1
        series.add(at: second)
        if second > self.second || inSecond == 0 {
            self.second = second
            inSecond = 0
            if second / 60 != minute {
                minute = second / 60
                inMinute = 0
            }
        }
        inSecond &+= 1
        inMinute &+= 1
        if inSecond > peakSecond { peakSecond = inSecond }
        if inMinute > peakMinute { peakMinute = inMinute }
    }

    /// Counts a track that is over.
    ///
    /// - Returns: Whether it polled.
    @discardableResult
    mutating func judge(_ track: Track) -> Bool {
        let weight: Double
        let period: Double
        switch track.judgement {
        case .no: return false
        case .polls(let seconds):
            weight = 1
            period = seconds
            polling.pollers += 1
            polling.background += Double(track.throttled) / Double(max(1, track.regular))
            polling.jitter += track.regularSegments > 0 ? Double(track.jitters) / Double(track.regularSegments) : 0
            polling.regularity += Double(track.regular) / Double(max(1, track.considered))
            polling.judged += 1
        case .shared(let clients, let seconds):
            weight = Double(clients)
            period = seconds
            polling.pollers += clients
            polling.sharedPairs += 1
        case .crowd(let rate):
            polling.crowds += 1
            polling.crowdRate += rate
            weight = 0
            period = 0
        }
        polling.pairs += 1
        polling.requests += Int(track.count)
        polling.clients.insert(track.client)
        polling.urls.insert(track.url)
        polling.compared += Int(track.compared)
        polling.unchanged += Int(track.unchanged)
        polling.notModified += Int(track.notModified)
        polling.bytes += track.bytes
        polling.unchangedBytes += track.unchangedBytes
        if track.agent == .monitor { polling.monitors += 1 }
        if track.agent == .bot { polling.bots += 1 }
        if weight > 0 {
            polling.periods.add(period, count: weight)
            polling.watched += Double(track.active) / 100 * weight
            let throttled = Double(track.throttled)
            polling.gaps.add(60, count: throttled)
            polling.gaps.add(period, count: max(1, Double(track.count) - throttled))
        }
        return true
    }

    mutating func merge(_ other: Endpoint) {
        requests += other.requests
        bytes += other.bytes
        notModified += other.notModified
        clientErrors += other.clientErrors
        serverErrors += other.serverErrors
        partial += other.partial
        durations += other.durations
        timed += other.timed
        clients.merge(other.clients)
        urls.merge(other.urls)
        series.merge(other.series)
        for index in agents.indices { agents[index] += other.agents[index] }
        // Of two that are merged only sums are known: the larger is a bound from below.
        peakSecond = max(peakSecond, other.peakSecond)
        peakMinute = max(peakMinute, other.peakMinute)
        query.merge(other.query)
        polling.merge(other.polling)
        if other.kind != .plain { kind = other.kind }
    }
}

extension Endpoint.Polling {
    mutating func merge(_ other: Self) {
        pollers += other.pollers
        pairs += other.pairs
        sharedPairs += other.sharedPairs
        crowds += other.crowds
        crowdRate += other.crowdRate
        requests += other.requests
        clients.merge(other.clients)
        urls.merge(other.urls)
        periods.merge(other.periods)
        gaps.merge(other.gaps)
        jitter += other.jitter
        regularity += other.regularity
        judged += other.judged
        background += other.background
        compared += other.compared
        unchanged += other.unchanged
        notModified += other.notModified
        bytes += other.bytes
        unchangedBytes += other.unchangedBytes
        watched += other.watched
        monitors += other.monitors
        bots += other.bots
    }
}
