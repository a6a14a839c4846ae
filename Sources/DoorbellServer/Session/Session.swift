import DoorbellAuth
import DoorbellCore
import DoorbellWire

/// What one WebSocket client is subscribed to, and what it is told: the deciding part of a connection. Pure.
///
/// Events go in with the time, actions come out in the order in which they are to be done. Times are seconds on a steady
/// clock.
///
/// The *poll rule*: whoever may poll a URL may subscribe to its channels, so a subscription waits until the legacy API has
/// answered the URL for this very client. The position is noted before the question, and the stream begins there: a change
/// that was committed while the legacy API was answering is either in its answer or in the replay.
struct Session {
    let id: String
    private let rules: SessionRules
    /// 0 to 1; spreads re-authorisation of many connections.
    private let jitter: Double
    var subscriptions = SubscriptionTable()
    /// The client's names of the calls to the legacy API that are open: at most ``SessionLimits/openRequests``.
    var openCalls: Set<String> = []
    var standing: Standing
    /// At most ``SessionLimits/pendingAsks`` for subscribing, and one for each target for re-authorising.
    var asks: [Int: Ask] = [:]
    var nextToken = 0
    /// When each polled URL is asked for again.
    private var dueAgain: [String: Double] = [:]
    private var lastHeard: Double
    private var bucket: TokenBucket
    /// A token of a message is being looked at.
    var isVerifying = false
    private(set) var isClosed = false
    /// At most ``SessionLimits/pendingPublishes``.
    var pendingPublishes = 0
    /// What the client calls itself: one name, so that it cannot have more cursors in the database than it may have subscriptions.
    private var clientName: String?
    /// Names of features that the client was told to poll while it is subscribed to them.
    var toldToPoll: Set<String> = []

    init(
        id: String, rules: SessionRules, standing: Standing = .unasked, jitter: Double, now: Double
    ) {
        self.id = id
        self.standing = standing
        self.rules = rules
        self.jitter = jitter
        self.lastHeard = now
        self.bucket = TokenBucket(capacity: rules.limits.messageBurst, now: now)
    }

    var catalog: FeatureCatalog { rules.catalog }
    var limits: SessionLimits { rules.limits }

    /// Whether no subscription is waiting for the legacy API or for its cursor.
    var isSettled: Bool { pendingSubscribes == 0 }

    private var pendingSubscribes: Int {
        asks.values.count {
            switch $0 {
            case .subscribe, .cursor: true
            case .reauthorize: false
            }
        }
    }

    // MARK: Events

    /// The handshake is done.
    func opened() -> [Action] {
        [.send(.welcome(session: id, heartbeat: Int(limits.heartbeat.components.seconds), resumed: false))]
    }

    /// The handshake was made on a polled URL itself, and the legacy API has let the client in already.
    ///
    /// - Parameter position: Where the log stood before it was asked.
    mutating func opened(
        with request: ClientMessage.Subscribe, snapshot: ServerMessage.Snapshot?, position: Position?, now: Double
    ) -> [Action] {
        var actions = opened()
        for action in subscribe(request, position: position, now: now) {
            if case .ask(let token, _) = action {
                actions += answered(token: token, .allowed(snapshot), now: now)
            } else {
                actions.append(action)
            }
        }
        return actions
    }

    /// Bytes came in: the client lives.
    mutating func heard(now: Double) { lastHeard = now }

    /// - Parameter position: Where the log stands now; `nil` while it is not open.
    mutating func received(_ message: ClientMessage, position: Position?, now: Double) -> [Action] {
        guard let refusal = admit(now: now) else {
            switch message {
            case .subscribe(let request): return subscribe(request, position: position, now: now)
            case .unsubscribe(let channel, let id): return unsubscribe(channel, id: id)
            case .ping(let id): return [.send(.pong(id: id))]
            case .request(let request): return call(request)
            case .presence(let channel, let id): return presence(channel, id: id)
            case .publish(let channel, let data, let id):
                return publish(data, on: channel, id: id, position: position)
            case .ack(let channel, let acknowledged, let id):
                return acknowledge(channel, acknowledged, id: id, head: position)
            case .auth(let token, let id), .refresh(let token, let id): return offered(token, id: id)
            case .drift(let channel, let position, let digest, let id):
                return drifted(on: channel, at: position, digest: digest, id: id)
            case .unknown: return []
            }
        }
        return refusal
    }

    /// A WebSocket ping came in; it counts for the rate.
    ///
    /// - Returns: Empty: it may be answered.
    mutating func pinged(now: Double) -> [Action] { admit(now: now) ?? [] }

    /// A text message that is not a message of the protocol.
    mutating func received(_ error: WireError, now: Double) -> [Action] {
        admit(now: now) ?? [.send(error.reply)]
    }

    /// The legacy API answered question `token`, or did not.
    mutating func answered(token: Int, _ verdict: PollVerdict, now: Double) -> [Action] {
        guard !isClosed, let ask = asks.removeValue(forKey: token) else { return [] }
        switch ask {
        case .subscribe(let request): return settle(request, token: token, verdict, now: now)
        // Tokens of cursors are not answered by the legacy API.
        case .cursor: return []
        case .reauthorize(let target): return settle(target, verdict, now: now)
        }
    }

    /// To be called every ``SessionLimits/heartbeat``.
    mutating func timer(now: Double) -> [Action] {
        guard !isClosed else { return [] }
        let heartbeat = limits.heartbeat.seconds
        // A hair less than two, so that a timer that fires a moment early does not grant a third.
        if now - lastHeard >= heartbeat * 1.99 { return close(.heartbeatMissed) }
        var actions: [Action] = [.ping]
        for target in dueAgain.filter({ $0.value <= now }).keys.sorted() {
            dueAgain[target] = nil
            actions.append(ask(.reauthorize(target: target), target: target))
        }
        return actions
    }

    /// The service is going away.
    ///
    /// - Parameter reconnectAfter: Milliseconds, spread over the clients.
    mutating func drain(reconnectAfter: Int) -> [Action] {
        guard !isClosed else { return [] }
        return [.send(.goodbye(reason: "service restart", reconnectAfter: reconnectAfter))] + close(.serviceRestart)
    }

    /// Ends the session for a reason of the service's own.
    mutating func close(_ code: CloseCode) -> [Action] {
        guard !isClosed else { return [] }
        return leaveAll() + [.close(code)]
    }

    /// The connection is gone, or the client said goodbye.
    mutating func peerClosed() -> [Action] {
        guard !isClosed else { return [] }
        return leaveAll()
    }

    // MARK: Subscribing

    private mutating func subscribe(_ request: ClientMessage.Subscribe, position: Position?, now: Double) -> [Action] {
        func refuse(_ code: ServerMessage.ErrorCode, _ message: String, channel: String? = nil) -> [Action] {
            [.send(.error(code, message: message, id: request.id, channel: channel))]
        }
        guard let position else {
            return refuse(.notLive, "the change log is not open yet: poll for now, and try again")
        }
        let feature: Feature
        let channels: [ChannelName]
        let target: String?
        var named: String?
        switch request.target {
        case .channel(let text):
            named = text
            guard let channel = ChannelName(text), let owner = catalog.feature(owning: channel) else {
                return refuse(.unknownChannel, "no feature has this channel", channel: text)
            }
            (feature, channels, target) = (owner, [channel], owner.pollTarget(for: channel))
        case .poll(let text):
            guard let poll = catalog.poll(matching: text), !poll.channels.isEmpty else {
                return refuse(.unknownChannel, "no feature has this polled URL")
            }
            (feature, channels, target) = (poll.feature, poll.channels, text)
        }
        let rights = rights(to: channels, of: feature)
        if case .refused(let refusal) = rights { return refuse(.notAllowed, refusal.description, channel: named) }
        if rights == .ask, target == nil {
            return refuse(.notAllowed, "this channel does not name its polled URL: subscribe by 'poll'", channel: named)
        }
        if feature.mode == .answer, target == nil {
            return refuse(.notAllowed, "this channel does not name its polled URL: subscribe by 'poll'", channel: named)
        }
        if let client = request.client, client != clientName ?? client {
            return refuse(.badRequest, "this connection has a 'client' already: one is one device", channel: named)
        }
        guard let version = feature.version(among: request.versions) else {
            let known = feature.versions.map { $0.version.description }.joined(separator: ", ")
            return refuse(.unknownVersion, "feature '\(feature.name)' has the versions \(known)", channel: named)
        }
        if let known = channels.first(where: { subscriptions[$0] != nil }) {
            return refuse(.alreadySubscribed, "already subscribed to '\(known)'", channel: known.rawValue)
        }
        guard subscriptions.count + channels.count <= limits.subscriptions else {
            return refuse(.limit, "at most \(limits.subscriptions) subscriptions a connection", channel: named)
        }
        clientName = request.client ?? clientName
        let (start, since) = Self.start(request.since)
        let isByPoll = if case .poll = request.target { true } else { false }
        let wantsSnapshot = isByPoll || feature.mode == .answer
        guard rights == .ask || wantsSnapshot, let target else {
            return channels.map { channel in
                subscriptions[channel] = Subscription(state: .live, feature: feature, version: version, target: nil)
                return begin(
                    Join(
                        channel: channel, feature: feature, version: version, since: since, start: start,
                        id: request.id, snapshot: nil), client: request.client, position: position)
            }
        }
        guard pendingSubscribes < limits.pendingAsks else {
            return refuse(
                .limit, "at most \(limits.pendingAsks) subscriptions at a time may be waiting", channel: named)
        }
        let waiting = Request(
            channels: channels, target: target, start: start, since: start == .latest ? position : since,
            askedAt: position, client: request.client, id: request.id, wantsSnapshot: wantsSnapshot,
            wantsPatches: request.patch,
            isPublic: feature.authorize == .public, givesRight: rights == .ask)
        let action = ask(.subscribe(waiting), target: target)
        for channel in channels {
            subscriptions[channel] = Subscription(
                state: .asking(token: nextToken - 1), feature: feature, version: version,
                target: rights == .ask ? target : nil)
        }
        return [action]
    }

    private static func start(_ since: ClientMessage.Since?) -> (Join.Start, Position?) {
        switch since {
        case nil: (.latest, nil)
        case .earliest?: (.earliest, nil)
        case .position(let position)?: (.position, position)
        case .unrecognised?: (.unknown, nil)
        }
    }

    private mutating func settle(
        _ given: Request, token: Int, _ verdict: PollVerdict, now: Double
    ) -> [Action] {
        var request = given
        // Those that were ended meanwhile, and perhaps asked for anew, are no business of this question.
        request.channels.removeAll { subscriptions[$0]?.state != .asking(token: token) }
        let snapshot: ServerMessage.Snapshot?
        switch verdict {
        case .allowed(let answer):
            snapshot = request.wantsSnapshot ? answer : nil
        case .refused where request.isPublic, .unavailable where request.isPublic:
            snapshot = nil
        case .refused(let status):
            return fail(request, .notAllowed, "the legacy API answered \(status) for this client")
        case .unavailable(let reason):
            return fail(request, .upstreamUnavailable, reason)
        }
        if request.givesRight, !request.channels.isEmpty { dueAgain[request.target] = again(after: now) }
        var actions: [Action] = []
        for channel in request.channels {
            guard let subscription = subscriptions[channel] else { continue }
            actions.append(
                begin(
                    Join(
                        channel: channel, feature: subscription.feature, version: subscription.version,
                        since: request.since, start: request.start, id: request.id, snapshot: snapshot,
                        snapshotAt: snapshot == nil ? nil : request.askedAt,
                        answers: subscription.feature.mode == .answer
                            ? AnswerRequest(target: request.target, wantsPatches: request.wantsPatches) : nil),
                    client: request.client,
                    position: request.askedAt))
        }
        return actions
    }

    private mutating func fail(_ request: Request, _ code: ServerMessage.ErrorCode, _ message: String) -> [Action] {
        guard let first = request.channels.first else { return [] }
        for channel in request.channels { subscriptions[channel] = nil }
        return [.send(.error(code, message: message, id: request.id, channel: first.rawValue))]
    }

    /// What opens a subscription that the shard has just begun; the replay comes after it.
    ///
    /// A client that was recovered has its state already and needs no snapshot. A snapshot that the history does not reach
    /// back to may lack changes, and the client is told so.
    static func subscribed(_ join: Join, position: Position, recovered: Bool) -> [ServerMessage] {
        let resumed = recovered && join.start != .latest
        let snapshot = resumed ? nil : join.snapshot
        let opening = ServerMessage.subscribed(
            .init(
                channel: join.channel, position: position, recovered: resumed, version: join.version, id: join.id,
                snapshot: snapshot))
        guard join.start == .latest, snapshot != nil, !recovered, let since = join.since, since != position else {
            return [opening]
        }
        return [
            opening, .reset(channel: join.channel, reason: "changes since the snapshot are gone", position: position),
        ]
    }

    // MARK: Keeping

    private mutating func settle(_ target: String, _ verdict: PollVerdict, now: Double) -> [Action] {
        let channels = subscriptions.channels { $1.target == target }
        guard !channels.isEmpty else { return [] }
        guard case .refused(let status) = verdict else {
            // Unreachable is not refused: the client keeps what it has, and the question is put again.
            dueAgain[target] = again(after: now)
            return []
        }
        return channels.flatMap { channel -> [Action] in
            guard let subscription = subscriptions.remove(channel) else { return [] }
            forgetTransport(of: subscription.feature)
            let told = Action.send(
                .unsubscribed(channel: channel, reason: "the legacy API now answers \(status) for this client", id: nil)
            )
            return subscription.state == .live ? [.leave(channel), told] : [told]
        }
    }

    /// The legacy API was asked what a change has made of the answer, and refuses the client.
    mutating func refused(on channel: ChannelName, status: Int) -> [Action] {
        guard let subscription = subscriptions[channel], subscription.state == .live else { return [] }
        _ = subscriptions.remove(channel)
        forgetTransport(of: subscription.feature)
        if let target = subscription.target, !subscriptions.contains(where: { $0.target == target }) {
            dueAgain[target] = nil
        }
        let reason = "the legacy API now answers \(status) for this client"
        return [.leave(channel), .send(.unsubscribed(channel: channel, reason: reason, id: nil))]
    }

    private mutating func unsubscribe(_ text: String, id: String?) -> [Action] {
        guard let channel = ChannelName(text), let subscription = subscriptions.remove(channel) else {
            return [.send(.error(.notSubscribed, message: "not subscribed", id: id, channel: text))]
        }
        forgetTransport(of: subscription.feature)
        let told = Action.send(.unsubscribed(channel: channel, reason: "as asked", id: id))
        switch subscription.state {
        case .live:
            if let target = subscription.target, !subscriptions.contains(where: { $0.target == target }) {
                dueAgain[target] = nil
            }
            return [.leave(channel), told]
        case .asking(let token):
            if case .subscribe(var request)? = asks[token] {
                request.channels.removeAll { $0 == channel }
                asks[token] = .subscribe(request)
            }
            return [told]
        case .opening(let token):
            asks[token] = nil
            return [told]
        }
    }

    // MARK: Small parts

    /// `nil`: the message may be looked at.
    private mutating func admit(now: Double) -> [Action]? {
        if isClosed { return [] }
        let isWithinRate = bucket.take(
            rate: limits.messagesPerSecond, capacity: limits.messageBurst, now: now)
        return isWithinRate ? nil : close(.limit)
    }

    private mutating func ask(_ ask: Ask, target: String) -> Action {
        let token = nextToken
        nextToken += 1
        asks[token] = ask
        return .ask(token: token, target: target)
    }

    private func again(after now: Double) -> Double { now + limits.reauthorize.seconds * (0.9 + 0.2 * jitter) }

    private mutating func leaveAll() -> [Action] {
        isClosed = true
        asks.removeAll()
        dueAgain.removeAll()
        openCalls = []
        let live = subscriptions.channels { $1.state == .live }
        subscriptions.removeAll()
        toldToPoll = []
        return live.map { .leave($0) }
    }
}

extension Duration {
    /// Whole and fractional seconds.
    var seconds: Double {
        let parts = components
        return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
    }
}
