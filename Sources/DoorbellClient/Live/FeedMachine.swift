import DoorbellCore

/// One polled URL, decided: when to poll, when push may be believed, what the state is. Pure; times are since any one beginning.
struct FeedMachine: Sendable {
    enum Mode: Sendable {
        /// Told to poll.
        case poll
        /// Polling until push is proven.
        case join
        /// Pushed to, no polls.
        case live
        case closed
    }

    /// What happens to it.
    enum Event: Sendable {
        /// The time has come that ``FeedMachine/wake`` said.
        case time
        case close
        /// The program wants the state anew.
        case refresh
        /// From now on the program listens to each change and message.
        case listen
        case answer(request: Int, PollAnswer)
        case failed(request: Int, reason: String)
        /// A connection is there: what to say on it?
        case open
        /// `isAttached`: another feed has had this subscription already, so there is nothing that was missed in it.
        case subscribed(FeedMessage, isAttached: Bool)
        case message(FeedMessage)
        /// The server moved the clients of a feature.
        case transport(FeedMessage)
        case refused(reason: String, coolDown: Duration)
        case lost(reason: String)
        /// The connection was silent for as long as this feed bears it.
        case quiet
        /// It speaks again.
        case alive
    }

    /// What it wants done.
    enum Action: Sendable, Equatable {
        case fetch(request: Int, entityTag: String?)
        case abort(request: Int)
        /// Messages, with a connection whose silence is borne for so long.
        case want(interval: Duration, proof: Duration)
        case subscribe(Subscribe)
        case leave
        case report(JSONValue)
        case state(JSONValue)
        case change(FeedMessage)
        case message(FeedMessage)
        case status(FeedStatus)
    }

    /// What a feed asks the server for.
    struct Subscribe: Sendable, Equatable {
        let poll: String
        var since: String?
        let versions: [SchemaVersion]
    }

    struct Request: Sendable {
        let id: Int
        /// Not to show but to compare.
        let isCheck: Bool
        let hole: Int
    }

    /// That changes may wait for each other before the state is fetched again.
    static let maximumWait = Duration.seconds(1)
    /// Quiet after which a burst of changes counts as over.
    static let settling = Duration.milliseconds(150)
    /// Upper bound of the random delay before a fetch that many clients start for the same change.
    static let spread = Duration.milliseconds(50)
    /// Messages kept for the answer of a fetch that is under way; with more than that it is repeated instead.
    static let maximumHeld = 1000
    /// Positions by which messages that come again are known.
    static let maximumSeen = 4096
    /// That a client which was told to poll does not believe a late answer.
    static let askAnew = Duration.seconds(60)
    /// That messages may lag behind a poll before a difference between the two is drift.
    static let grace = Duration.seconds(2)
    /// After the first row change, until the state is compared with a poll for the first time: whoever wrote `rows` wants to know soon.
    static let firstCheck = Duration.seconds(30)
    /// Fields of one feed that are told to have drifted, each once.
    static let maximumDoubts = 100

    let target: String
    let interval: Duration
    let rows: RowList?
    let options: FeedOptions
    let random: @Sendable () -> Double
    let proof: Duration

    var now: Duration
    var mode = Mode.poll
    var reason = "starting"
    var actions: [Action] = []
    /// Whether the program listens to each change and message, so that none may be missed.
    var hasListener = false
    private var told: FeedStatus?
    private(set) var statistics = FeedStatistics()

    // Polling
    var feature: String?
    var pollAt: Duration
    var fetchAt = Duration.never
    var driftAt = Duration.never
    var graceAt = Duration.never
    /// Push is not tried before.
    var retryAt = Duration.zero
    /// Under way, oldest first; at most three.
    var requests: [Request] = []
    private var lastRequest = 0
    var entityTag: String?
    /// The last polled body, while nothing else has changed the shown state.
    var text: [UInt8]?
    var state: JSONValue?
    /// When the first change came that no fetch has been started for.
    var dirtyAt: Duration?
    var fetchedAt: Duration?
    /// Not 0: the shown state lacks messages; changes are not applied until a fetch that began later is answered.
    var hole = 0
    private var holes = 0
    private var isShown = false
    /// What a check was answered and what has come since, and how far that reaches.
    var polled: (state: JSONValue, position: String?)?
    /// Row changes have made the shown state.
    var isMade = false
    /// They made it differ from the poll: they are not applied any more.
    private(set) var isDoubted = false
    private var hasChecked = false

    // Push
    /// The position of each channel's last message; `nil`: the next one starts the chain.
    var channels: [String: String?] = [:]
    /// Positions up to which messages were left out: `previous` says nothing.
    var conflated: [String: String] = [:]
    /// Everything up to here is in the shown state.
    var since: String?
    /// Every message up to here was told to the program.
    var heard: String?
    /// The `since` of the subscription.
    var sent: String?
    var seen = SeenPositions(limit: FeedMachine.maximumSeen)
    /// Messages that came during a fetch: its answer may not have them.
    var held: [FeedMessage] = []

    init(
        target: String, interval: Duration, rows: RowList? = nil, options: FeedOptions = FeedOptions(), now: Duration,
        random: @escaping @Sendable () -> Double
    ) {
        self.target = target
        // A loop without a pause would be an attack; a day is a timer that any machine has.
        self.interval = min(max(interval, .milliseconds(50)), .seconds(86_400))
        self.rows = rows
        self.options = options
        self.random = random
        self.now = now
        proof = min(max(options.proof ?? self.interval, .milliseconds(50)), .seconds(86_400))
        pollAt = now
    }

    var isLive: Bool { mode == .live }
    var status: FeedStatus { FeedStatus(transport: isLive ? .push : .poll, reason: reason) }

    /// When it wants the event ``Event/time``.
    var wake: Duration { mode == .closed ? .never : min(pollAt, fetchAt, driftAt, graceAt) }

    /// Everything that an event does to the state is shown once, at its end.
    mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        if mode == .closed { return [] }
        self.now = now
        take(event)
        if isShown, let state { actions.append(.state(state)) }
        isShown = false
        if status != told {
            told = status
            actions.append(.status(status))
        }
        defer { actions = [] }
        return actions
    }

    private mutating func take(_ event: Event) {
        switch event {
        case .time: time()
        case .close:
            (mode, reason) = (.closed, "closed")
            abort(requests.count)
            actions.append(.leave)
        case .refresh: ask()
        case .listen: hasListener = true
        case .answer(let request, let answer): answered(request, answer)
        case .failed(let request, let reason):
            guard let index = requests.firstIndex(where: { $0.id == request }) else { return }
            unanswered(requests.remove(at: index), reason)
        case .open: open()
        case .subscribed(let message, let isAttached): subscribed(message, isAttached: isAttached)
        case .message(let message): received(message)
        case .transport(let message): moved(message)
        case .refused(let reason, let coolDown): refused(reason, coolDown)
        case .lost(let reason): lost(reason, delay: random() * interval)
        case .quiet: lost("silence", delay: .zero)
        case .alive: if !channels.isEmpty { proven() }
        }
    }

    private mutating func time() {
        if now >= pollAt {
            pollAt = now + interval
            ask(isDue: true)
        }
        if now >= fetchAt { ask() }
        if now >= graceAt { reconcile() }
        if now >= driftAt {
            planDrift()
            if requests.isEmpty, hole == 0, fetchAt == .never { ask(isCheck: true) }
        }
    }

    // MARK: What is shown

    /// The same state is not shown twice in a row, whatever brought it.
    mutating func show(_ state: JSONValue) {
        if state == self.state { return }
        self.state = state
        isShown = true
    }

    /// Shows a state that did not come from a poll: the next poll is news even when it says what the last one said.
    mutating func showPushed(_ state: JSONValue) {
        (text, entityTag) = (nil, nil)
        show(state)
    }

    mutating func makeHole() {
        holes += 1
        hole = holes
    }

    mutating func countMessage() { statistics.messages += 1 }

    mutating func nextRequest(isCheck: Bool) -> Request {
        statistics.requests += 1
        lastRequest += 1
        return Request(id: lastRequest, isCheck: isCheck, hole: hole)
    }

    // MARK: Drift

    mutating func planDrift() {
        driftAt = options.drift > .zero ? about(min(options.drift, .seconds(86_400))) : .never
    }

    /// Row changes have made the shown state: the first time it is compared with a poll soon.
    mutating func made() {
        isMade = true
        if hasChecked || options.drift <= .zero { return }
        hasChecked = true
        driftAt = min(driftAt, about(Self.firstCheck))
    }

    private func about(_ delay: Duration) -> Duration { now + (0.9 + 0.2 * random()) * delay }

    /// A poll's answer is compared with the state that push has made, once no message can be on its way that only one of them has.
    mutating func compareSoon(_ answer: JSONValue, _ position: String?) {
        polled = (answer, position)
        // Within `proof` the connection has shown that nothing is stuck in it, or is doubted.
        graceAt = now + Self.grace + proof
    }

    mutating func forgetComparison() { (graceAt, polled) = (.never, nil) }

    /// Repairs the state where it differs from what a poll has answered and what has come since; tells the service.
    private mutating func reconcile() {
        defer { forgetComparison() }
        guard isLive, let polled else { return }
        let was = state ?? .null
        let fields = was.differences(from: polled.state)
        if fields.isEmpty { return }
        statistics.drifts += 1
        // What differs each time, such as the time of the answer, is told once.
        if statistics.driftedFields.count < Self.maximumDoubts, !fields.isSubset(of: statistics.driftedFields) {
            statistics.driftedFields.formUnion(fields)
            let first = channels.min { $0.key < $1.key }
            var report: [String: JSONValue] = ["type": "drift", "id": "drift"]
            report["channel"] = first.map { .string($0.key) }
            report["position"] = (first?.value ?? since).map { .string($0) }
            report["digest"] = .string(was.digest)
            actions.append(.report(.object(report)))
        }
        // Row changes do not make of it what the poll answers: from now on it is fetched.
        isDoubted = isDoubted || isMade
        isMade = false
        since = polled.position ?? since
        showPushed(polled.state)
    }
}

extension Duration {
    /// Later than everything; adding to it is safe.
    static let never = Duration.seconds(Int64.max)
}

func * (factor: Double, duration: Duration) -> Duration { duration * factor }
