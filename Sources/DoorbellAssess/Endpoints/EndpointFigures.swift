/// What a log says of one endpoint. Shares are 0 to 1, times seconds.
public struct EndpointFigures: Sendable {
    /// What it is, by the end of its path.
    public enum Kind: Sendable, Equatable { case api, file, playlist, notFound, others }

    public var method = "GET"
    /// The route: `/api/users/{user_id}/notifications`.
    public var route = "/"
    public var kind = Kind.api
    /// Query keys with what their values look like.
    public var query: [(name: String, value: String)] = []
    public var requests = 0
    /// Seconds that the logs cover.
    public var duration = 1.0
    public var peakSecond = 0
    public var peakMinute = 0
    public var bytes: UInt64 = 0
    public var notModified = 0
    public var clientErrors = 0
    public var serverErrors = 0
    public var partial = 0
    /// Mean time of an answer, where the log has it.
    public var answerTime: Double?
    public var clients = 0
    public var urls = 0
    /// Shares of requests by kind of program, largest first.
    public var agents: [(kind: String, share: Double)] = []
    public var series: [Int] = []

    /// Clients times the URLs that they poll.
    public var pollers = 0
    /// Of them, those that share an address and an agent with others.
    public var sharedPairs = 0
    /// Streams of polls behind one address whose clients cannot be told apart; they are not among the pollers.
    public var crowds = 0
    public var polls = 0
    public var polledURLs = 0
    public var pollingClients = 0
    /// Of the pollers: the median, and where nine of ten lie.
    public var period: Double?
    public var shortestPeriod: Double?
    public var longestPeriod: Double?
    public var periods: [(length: Double, count: Double)] = []
    /// Standard deviation of the gaps as a share of the period.
    public var jitter = 0.0
    /// Gaps that fit the period.
    public var regularity = 0.0
    /// Polls by tabs in the background, which browsers slow down to one a minute.
    public var background = 0.0
    /// Polls that brought nothing new: 304, or the same status and size as before. An estimate.
    public var unchanged = 0.0
    public var compared = 0
    public var notModifiedPolls = 0
    /// Of the polls' answers.
    public var pollBytes: UInt64 = 0
    public var unchangedBytes: UInt64 = 0
    /// Changes that one poller sees in an hour. More can have happened between two polls.
    public var changesPerHour = 0.0
    /// Until a change is polled, when it comes at any moment.
    public var staleness: Double?
    public var staleness95: Double?
    /// Pollers at the same time, in the busiest minute.
    public var connections = 0.0
    public var monitors = 0
    public var bots = 0

    public init() {}

    public var rate: Double { Double(requests) / duration }
    public var pollShare: Double { requests > 0 ? min(1, Double(polls) / Double(requests)) : 0 }
    /// Polls of one poller in a minute.
    public var pollsPerMinute: Double { period.map { 60 / $0 } ?? 0 }
    /// Pollers of one URL.
    public var fanIn: Double { polledURLs > 0 ? Double(pollers) / Double(polledURLs) : 0 }
    /// Bytes of an answer that brings something.
    public var answerSize: Double {
        let whole = polls - notModifiedPolls
        return whole > 0 ? Double(pollBytes) / Double(whole) : 0
    }
}

extension EndpointFigures {
    init(_ endpoint: Endpoint, route: String, kind: Kind, duration: Double) {
        method = endpoint.method.name
        self.route = route
        self.kind = kind
        self.duration = duration
        query = endpoint.query.keys
        requests = endpoint.requests
        peakSecond = endpoint.peakSecond
        peakMinute = endpoint.peakMinute
        bytes = endpoint.bytes
        notModified = endpoint.notModified
        clientErrors = endpoint.clientErrors
        serverErrors = endpoint.serverErrors
        partial = endpoint.partial
        if endpoint.timed > 0 { answerTime = Double(endpoint.durations) / Double(endpoint.timed) / 1e6 }
        clients = endpoint.clients.estimate
        urls = endpoint.urls.estimate
        agents = AgentKind.allCases.map {
            ($0.name, Double(endpoint.agents[Int($0.rawValue)]) / Double(max(1, requests)))
        }
        .filter { $0.1 > 0 }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
        setPolling(endpoint.polling)
    }

    private mutating func setPolling(_ polling: Endpoint.Polling) {
        period = polling.periods.percentile(0.5)
        crowds = polling.crowds
        pollers = polling.pollers
        sharedPairs = polling.sharedPairs
        polls = polling.requests
        polledURLs = min(polling.pairs, polling.urls.estimate)
        pollingClients = min(polling.pollers, polling.clients.estimate)
        shortestPeriod = polling.periods.percentile(0.05)
        longestPeriod = polling.periods.percentile(0.95)
        periods = polling.periods.filled
        jitter = polling.judged > 0 ? polling.jitter / Double(polling.judged) : 0
        regularity = polling.judged > 0 ? polling.regularity / Double(polling.judged) : 0
        background = polling.judged > 0 ? polling.background / Double(polling.judged) : 0
        compared = polling.compared
        unchanged = compared > 0 ? Double(polling.unchanged) / Double(compared) : 0
        notModifiedPolls = polling.notModified
        pollBytes = polling.bytes
        unchangedBytes = polling.unchangedBytes
        if polling.watched > 0 {
            changesPerHour = Double(polling.compared - polling.unchanged) / polling.watched * 3600
        }
        staleness = polling.gaps.wait(0.5)
        staleness95 = polling.gaps.wait(0.95)
        if let period { connections = min(Double(pollers), Double(peakMinute) / 60 * pollShare * period) }
        monitors = polling.monitors
        bots = polling.bots
    }
}
