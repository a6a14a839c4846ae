/// The feeds of one origin and the connection that they share: passes on what each says to the other, and says what is left to be
/// done outside. Pure.
struct OriginMachine: Sendable {
    enum Event: Sendable {
        /// The time has come that ``OriginMachine/wake`` said.
        case time
        case begin(feed: Int, FeedMachine)
        case feed(Int, FeedMachine.Event)
        case connection(Multiplexer.Event)
    }

    enum Effect: Sendable, Equatable {
        /// To be answered by ``FeedMachine/Event/answer(request:_:)`` or ``FeedMachine/Event/failed(request:reason:)``.
        case fetch(feed: Int, request: Int, entityTag: String?)
        case abort(feed: Int, request: Int)
        case connect
        case send(JSONValue)
        case drop
        case renewToken
        case discardToken
        case tokenEnds(at: Double)
        case tell(feed: Int, News)
    }

    /// What the program of a feed is told.
    enum News: Sendable, Equatable {
        case state(JSONValue)
        case change(FeedMessage)
        case message(FeedMessage)
        case status(FeedStatus)
        case end
    }

    private var feeds: [Int: FeedMachine] = [:]
    private var multiplexer: Multiplexer
    private var now = Duration.zero
    private var effects: [Effect] = []

    init(renews: Bool = false, random: @escaping @Sendable () -> Double) {
        multiplexer = Multiplexer(renews: renews, random: random)
    }

    /// When it wants the event ``Event/time``; ``Duration/never`` when nothing is left to be done.
    var wake: Duration { feeds.values.reduce(multiplexer.wake) { min($0, $1.wake) } }

    func statistics(of feed: Int) -> FeedStatistics? { feeds[feed]?.statistics }

    mutating func handle(_ event: Event, at now: Duration) -> [Effect] {
        self.now = now
        switch event {
        case .time:
            for id in feeds.filter({ $0.value.wake <= now }).keys.sorted() { feed(id, .time) }
            if multiplexer.wake <= now { connection(.time) }
        case .begin(let id, let machine):
            feeds[id] = machine
            feed(id, .time)
        case .feed(let id, let event): feed(id, event)
        case .connection(let event): connection(event)
        }
        defer { effects = [] }
        return effects
    }

    private mutating func feed(_ id: Int, _ event: FeedMachine.Event) {
        guard let actions = feeds[id]?.handle(event, at: now) else { return }
        for action in actions {
            switch action {
            case .fetch(let request, let tag): effects.append(.fetch(feed: id, request: request, entityTag: tag))
            case .abort(let request): effects.append(.abort(feed: id, request: request))
            case .want, .subscribe, .leave, .report: break
            case .state(let state): effects.append(.tell(feed: id, .state(state)))
            case .change(let message): effects.append(.tell(feed: id, .change(message)))
            case .message(let message): effects.append(.tell(feed: id, .message(message)))
            case .status(let status): effects.append(.tell(feed: id, .status(status)))
            }
        }
        // After what the program is told: what the connection answers at once is newer.
        for action in actions {
            switch action {
            case .want(let interval, let proof): connection(.want(feed: id, interval: interval, proof: proof))
            case .subscribe(let request): connection(.subscribe(feed: id, request))
            case .leave: connection(.leave(feed: id))
            case .report(let message): connection(.report(message))
            case .fetch, .abort, .state, .change, .message, .status: break
            }
        }
        guard feeds[id]?.mode == .closed else { return }
        feeds[id] = nil
        effects.append(.tell(feed: id, .end))
    }

    private mutating func connection(_ event: Multiplexer.Event) {
        for action in multiplexer.handle(event, at: now) {
            switch action {
            case .connect: effects.append(.connect)
            case .send(let message): effects.append(.send(message))
            case .drop: effects.append(.drop)
            case .renewToken: effects.append(.renewToken)
            case .discardToken: effects.append(.discardToken)
            case .tokenEnds(let time): effects.append(.tokenEnds(at: time))
            case .tell(let id, let told): feed(id, FeedMachine.Event(told))
            case .tellAll(let message): for id in feeds.keys.sorted() { feed(id, .transport(message)) }
            }
        }
    }
}

extension FeedMachine.Event {
    fileprivate init(_ told: Multiplexer.Told) {
        self =
            switch told {
            case .open: .open
            case .subscribed(let message, let isAttached): .subscribed(message, isAttached: isAttached)
            case .message(let message): .message(message)
            case .refused(let reason, let coolDown): .refused(reason: reason, coolDown: coolDown)
            case .lost(let reason): .lost(reason: reason)
            case .quiet: .quiet
            case .alive: .alive
            }
    }
}
