import DoorbellCore

/// What the feeds of one origin share, decided: one connection, its subscriptions, its heartbeat and its reconnections. Pure; times are
/// since any one beginning. Feeds go by numbers.
struct Multiplexer: Sendable {
    enum State: Sendable {
        /// Nobody wants it.
        case idle
        case connecting
        case open
        /// To reconnect.
        case waiting
        /// Until somebody wants it anew.
        case refused
    }

    /// What happens to it.
    enum Event: Sendable {
        /// The time has come that ``Multiplexer/wake`` said.
        case time
        case want(feed: Int, interval: Duration, proof: Duration)
        /// What a feed says when it was told ``FeedMachine/Event/open``.
        case subscribe(feed: Int, FeedMachine.Subscribe)
        case leave(feed: Int)
        /// Something to say that nothing depends on.
        case report(JSONValue)
        case opened
        /// A message of the server; `nil`: one that cannot be read.
        case received(JSONValue?)
        case closed(code: UInt16, reason: String)
        /// The token is good for so long.
        case expires(in: Duration)
    }

    /// What it wants done.
    enum Action: Sendable, Equatable {
        case connect
        case send(JSONValue)
        case drop
        /// A new token, to be said by ``Event/report(_:)``.
        case renewToken
        /// The token was refused: the next connection needs another one.
        case discardToken
        /// Unix time in ms at which the token ends, to be answered by ``Event/expires(in:)``.
        case tokenEnds(at: Double)
        case tell(feed: Int, Told)
        case tellAll(FeedMessage)
    }

    /// Of the events of a feed those that come from here.
    enum Told: Sendable, Equatable {
        case open
        case subscribed(FeedMessage, isAttached: Bool)
        case message(FeedMessage)
        case refused(reason: String, coolDown: Duration)
        case lost(reason: String)
        case quiet
        case alive
    }

    private struct Feed: Sendable {
        let interval: Duration
        let proof: Duration
        var isQuiet = false
        /// ``Subscription/serial``
        var subscription: Int?
    }

    struct Subscription: Sendable {
        let serial: Int
        var request: FeedMachine.Subscribe
        /// On the wire.
        var id: String
        /// Feeds, and whether each is new here and misses nothing.
        var users: [Int: Bool]
        var channels: Set<String> = []
        /// A channel that another subscription is about to get.
        var awaited: String?
        /// The position of the last message.
        var last: String?
        /// Where a feed is that is further behind, to subscribe from there once the server has confirmed.
        var sinceThen: String?
    }

    /// That a connection attempt may take.
    static let connectTimeout = Duration.seconds(10)
    /// How long before it ends a token is replaced, or after half of its time.
    static let renewal = Duration.seconds(30)
    /// How long a refused subscription is left alone; the same for errors that pass by themselves.
    static let coolDown = Duration.seconds(60)
    static let shortCoolDown = Duration.seconds(10)
    static let passing: Set<String> = ["not_live", "upstream_unavailable", "unavailable"]
    /// One subscription is a handful of channels; a server that names more than this is not believed.
    static let maximumChannels = 1024
    /// The longest that a server's `reconnectAfter` is obeyed.
    static let maximumPause = Duration.seconds(3600)

    private let random: @Sendable () -> Double
    /// Whether there is a source of tokens.
    private let renews: Bool
    private var now = Duration.zero
    private var actions: [Action] = []
    private(set) var state = State.idle
    /// Those that want messages now.
    private var feeds: [Int: Feed] = [:]
    var subscriptions: [Subscription] = []
    /// What patches build on, by channel.
    private var answers: [String: (entityTag: String, body: JSONValue)] = [:]
    /// Connections in a row that did not live for a heartbeat.
    private var attempt = 0
    private var heartbeat = Duration.seconds(25)
    private var pause = Duration.zero
    /// The end of an attempt, of a silence or of a wait.
    private var deadline = Duration.never
    private var pingAt = Duration.never
    private var renewAt = Duration.never
    private var openedAt: Duration?
    private var heardAt = Duration.zero
    /// When the first ping went out that nothing has followed yet.
    private var pingedAt: Duration?
    /// Whether a refused token has been replaced already.
    private var hasRenewed = false
    private var last = 0

    init(renews: Bool = false, random: @escaping @Sendable () -> Double) {
        self.renews = renews
        self.random = random
    }

    /// When it wants the event ``Event/time``.
    var wake: Duration {
        feeds.values.reduce(min(deadline, pingAt, renewAt)) { $1.isQuiet ? $0 : min($0, quietAt($1)) }
    }

    /// Silence that the most impatient feed bears.
    private var proof: Duration { feeds.values.map(\.proof).min() ?? .never }

    private func quietAt(_ feed: Feed) -> Duration {
        guard state == .open, feed.subscription != nil else { return .never }
        // A loop that was late itself gives the server its time.
        return max(heardAt + feed.proof, (pingedAt ?? now) + 0.4 * proof)
    }

    mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        self.now = now
        switch event {
        case .time: time()
        case .want(let feed, let interval, let proof): want(feed, interval, proof)
        case .subscribe(let feed, let request): subscribe(feed, request)
        case .leave(let feed):
            detach(feed)
            feeds[feed] = nil
            if feeds.isEmpty { drop() }
        case .report(let message): if state == .open { actions.append(.send(message)) }
        case .opened: opened()
        case .received(let message): received(message)
        case .closed(let code, let reason): closed(code, reason)
        case .expires(let time):
            guard state == .open else { break }
            renewAt = now + max(0.5 * time, time - Self.renewal, .seconds(1))
        }
        defer { actions = [] }
        return actions
    }

    private mutating func time() {
        if now >= renewAt {
            renewAt = .never
            actions.append(.renewToken)
        }
        if now >= pingAt { ping() }
        if now >= deadline {
            if state == .waiting {
                state = .idle
                connect()
            } else {
                closed(4001, state == .open ? "heartbeat missed" : "no connection")
            }
        }
        for (name, feed) in feeds.sorted(by: { $0.key < $1.key }) where !feed.isQuiet && now >= quietAt(feed) {
            feeds[name]?.isQuiet = true
            tell(name, .quiet)
        }
    }

    private mutating func tell(_ feed: Int, _ told: Told) { actions.append(.tell(feed: feed, told)) }

    /// Tells every feed of a subscription.
    private mutating func tell(_ subscription: Subscription, _ told: Told) {
        for name in subscription.users.keys.sorted() { tell(name, told) }
    }

    // MARK: What feeds say

    private mutating func want(_ name: Int, _ interval: Duration, _ proof: Duration) {
        detach(name)
        feeds[name] = Feed(interval: interval, proof: proof)
        if state == .open {
            planPing()
            tell(name, .open)
        } else {
            connect()
        }
    }

    private mutating func subscribe(_ name: Int, _ request: FeedMachine.Subscribe) {
        guard feeds[name] != nil, state == .open else { return }
        detach(name)
        let other = subscriptions.firstIndex {
            $0.request.poll == request.poll && $0.request.versions == request.versions
        }
        if let other {
            feeds[name]?.subscription = subscriptions[other].serial
            return join(name, other, since: request.since)
        }
        last += 1
        feeds[name]?.subscription = last
        subscriptions.append(
            Subscription(serial: last, request: request, id: "s\(last)", users: [name: false], last: request.since))
        actions.append(.send(Self.message(request, id: "s\(last)")))
    }

    /// A feed asks what another one has asked.
    private mutating func join(_ name: Int, _ index: Int, since: String?) {
        let other = subscriptions[index]
        let known = other.channels.count == 1 ? other.last : other.sinceThen ?? other.request.since
        subscriptions[index].users[name] = since == nil
        if Position.isCovered(known, by: since) {
            // What comes next is all that it lacks.
            for channel in other.channels.sorted() {
                let message = FeedMessage(["type": "subscribed", "channel": .string(channel), "recovered": true])
                tell(name, .subscribed(message, isAttached: false))
            }
        } else if other.channels.isEmpty {
            subscriptions[index].sinceThen = since
        } else {
            // All go on from where this one is; the others know what comes again. Or all are given the state.
            if since == nil { for user in other.users.keys { subscriptions[index].users[user] = true } }
            again(index, since: since)
        }
    }

    private static func message(_ request: FeedMachine.Subscribe, id: String) -> JSONValue {
        var members: [String: JSONValue] = [
            "type": "subscribe", "poll": .string(request.poll), "patch": true, "id": .string(id),
        ]
        members["since"] = request.since.map { .string($0) }
        let versions = request.versions.map { JSONValue.integer(Int64($0.number)) }
        if !versions.isEmpty { members["version"] = versions.count == 1 ? versions[0] : .array(versions) }
        return .object(members)
    }

    /// Feeds to which the channel is new: they have missed nothing, and have nothing of it.
    private mutating func attach(_ channel: String, _ names: [Int]) {
        let message = FeedMessage(["type": "subscribed", "channel": .string(channel)])
        for name in names { tell(name, .subscribed(message, isAttached: true)) }
    }

    private mutating func detach(_ name: Int) {
        guard let serial = feeds[name]?.subscription else { return }
        feeds[name]?.subscription = nil
        guard let index = subscriptions.firstIndex(where: { $0.serial == serial }) else { return }
        subscriptions[index].users[name] = nil
        guard subscriptions[index].users.isEmpty else { return }
        let subscription = subscriptions.remove(at: index)
        for channel in subscription.channels.sorted() { release(channel, id: .string(subscription.id)) }
    }

    /// Ends what the server sends on a channel, unless somebody listens there.
    private mutating func release(_ channel: String, id: JSONValue?) {
        if subscriptions.contains(where: { $0.channels.contains(channel) }) { return }
        answers[channel] = nil
        guard state == .open else { return }
        var members: [String: JSONValue] = ["type": "unsubscribe", "channel": .string(channel)]
        members["id"] = id
        actions.append(.send(.object(members)))
    }

    // MARK: The connection

    private mutating func connect() {
        guard state == .idle || state == .refused, !feeds.isEmpty else { return }
        state = .connecting
        openedAt = nil
        deadline = now + Self.connectTimeout
        actions.append(.connect)
    }

    private mutating func opened() {
        guard state == .connecting else { return }
        state = .open
        openedAt = now
        hear()
        for name in feeds.keys.sorted() { tell(name, .open) }
    }

    private mutating func hear() {
        heardAt = now
        pingedAt = nil
        deadline = now + 2 * heartbeat
        planPing()
    }

    private mutating func planPing() { pingAt = now + min(0.5 * heartbeat, 0.6 * proof) }

    private mutating func ping() {
        planPing()
        pingedAt = pingedAt ?? now
        actions.append(.send(["type": "ping"]))
    }

    private mutating func closed(_ code: UInt16, _ reason: String) {
        guard state == .connecting || state == .open else { return }
        let text = "closed \(code)" + (reason.isEmpty ? "" : ": \(reason)")
        if let openedAt, now - openedAt >= heartbeat { (attempt, hasRenewed) = (0, false) }
        let isStale = code == CloseCode.unauthenticated.number && renews && !hasRenewed
        drop()
        if isStale {
            hasRenewed = true
            actions.append(.discardToken)
        } else if !Self.mayReconnect(code) {
            state = .refused
            return lose(.refused(reason: text, coolDown: .never))
        }
        // Full jitter, drawn anew for each attempt, after the pause that the server asked for. 4002: everybody polls first.
        let limit = min(Duration.seconds(30), Duration.seconds(1 << attempt))
        attempt = min(attempt + 1, 16)
        let polls = code == CloseCode.captureUnsure.number ? feeds.values.map(\.interval).max() ?? .zero : .zero
        state = .waiting
        deadline = now + max(pause, polls) + random() * limit
        pause = .zero
        lose(.lost(reason: text))
    }

    /// Whether a connection that closed so is opened again by itself.
    static func mayReconnect(_ code: UInt16) -> Bool {
        ![1000, 1002, 1003, 1007, 1009].contains(code) && !(4500..<5000).contains(code)
    }

    private mutating func lose(_ told: Told) {
        subscriptions = []
        answers = [:]
        for name in feeds.keys.sorted() {
            feeds[name]?.subscription = nil
            feeds[name]?.isQuiet = false
            tell(name, told)
        }
    }

    private mutating func drop() {
        if state == .connecting || state == .open { actions.append(.drop) }
        state = .idle
        (deadline, pingAt, renewAt) = (.never, .never, .never)
    }

    // MARK: Messages

    private mutating func received(_ message: JSONValue?) {
        guard state == .open else { return }
        hear()
        for (name, feed) in feeds.sorted(by: { $0.key < $1.key }) where feed.isQuiet {
            feeds[name]?.isQuiet = false
            tell(name, .alive)
        }
        guard let members = message?.object else { return }
        guard members["type"]?.string == "batch" else { return dispatch(FeedMessage(members)) }
        for each in members["messages"]?.array ?? [] {
            if let members = each.object { dispatch(FeedMessage(members)) }
        }
    }

    private mutating func dispatch(_ message: FeedMessage) {
        let channel = message.channel
        let id = message.members["id"].flatMap { $0 == .null ? nil : $0 }
        let named = subscriptions.indices.filter { index in
            if let id { return .string(subscriptions[index].id) == id }
            return channel.map { subscriptions[index].channels.contains($0) } ?? false
        }
        switch message.type {
        case "welcome":
            if let seconds = message.members["heartbeat"]?.number, seconds > 0 {
                heartbeat = .seconds(min(max(seconds, 1), 3600))
            }
            hear()
        case "refreshed":
            hasRenewed = false
            if let end = message.members["expires"]?.number { actions.append(.tokenEnds(at: end)) }
        case "goodbye":
            let milliseconds = max(0, message.members["reconnectAfter"]?.number ?? 0)
            pause = .milliseconds(min(milliseconds, 3_600_000))
        case "transport": actions.append(.tellAll(message))
        case "subscribed": if let channel { subscribed(channel, named, id, message) }
        case "error" where message.members["code"]?.string == "already_subscribed":
            guard let channel else { break }
            let other = subscriptions.firstIndex { $0.channels.contains(channel) }
            for index in named {
                if let other {
                    share(index, subscriptions[other].channels)
                } else {
                    subscriptions[index].awaited = channel
                }
            }
        case "error", "unsubscribed": refuse(named, message)
        default: if let channel { deliver(channel, message) }
        }
    }

    private mutating func subscribed(_ channel: String, _ named: [Int], _ id: JSONValue?, _ message: FeedMessage) {
        for index in named where subscriptions[index].channels.count < Self.maximumChannels {
            if let snapshot = message.members["snapshot"], let tag = snapshot["etag"]?.string {
                answers[channel] = (tag, snapshot["body"] ?? .null)
            }
            subscriptions[index].channels.insert(channel)
            if let since = subscriptions[index].sinceThen {
                again(index, since: since)
                continue
            }
            for (name, isAttached) in subscriptions[index].users.sorted(by: { $0.key < $1.key }) {
                tell(name, .subscribed(message, isAttached: isAttached))
                subscriptions[index].users[name] = false
            }
        }
        for index in subscriptions.indices where subscriptions[index].awaited == channel { share(index, [channel]) }
        if named.isEmpty { release(channel, id: id) }
    }

    private mutating func share(_ index: Int, _ channels: Set<String>) {
        subscriptions[index].awaited = nil
        for channel in channels.sorted() {
            subscriptions[index].channels.insert(channel)
            attach(channel, subscriptions[index].users.keys.sorted())
        }
    }

    private mutating func refuse(_ named: [Int], _ message: FeedMessage) {
        let members = message.members
        let reason = members["message"]?.string ?? members["reason"]?.string ?? message.type
        let isPassing = members["code"]?.string.map { Self.passing.contains($0) } ?? false
        for index in named {
            if let channel = message.channel { subscriptions[index].channels.remove(channel) }
            tell(
                subscriptions[index],
                .refused(reason: reason, coolDown: isPassing ? Self.shortCoolDown : Self.coolDown))
        }
    }

    private mutating func deliver(_ channel: String, _ message: FeedMessage) {
        let isAnswer = message.type == "answer"
        let whole = isAnswer ? answered(channel, message) : message
        if !isAnswer { answers[channel] = nil }
        for index in subscriptions.indices where subscriptions[index].channels.contains(channel) {
            subscriptions[index].last = message.position ?? subscriptions[index].last
            if let whole { tell(subscriptions[index], .message(whole)) } else { again(index, since: nil) }
        }
    }

    /// An answer with its whole body; `nil` when it is a patch to something else than what is here.
    private mutating func answered(_ channel: String, _ message: FeedMessage) -> FeedMessage? {
        var members = message.members
        let body: JSONValue
        if let whole = members["body"] {
            body = whole
        } else if let known = answers[channel], known.entityTag == members["base"]?.string {
            body = known.body.merging(members["patch"] ?? .object([:]))
        } else {
            return nil
        }
        answers[channel] = members["etag"]?.string.map { ($0, body) }
        members["body"] = body
        return FeedMessage(members)
    }

    /// Subscribes anew: from a position, or for a whole answer.
    private mutating func again(_ index: Int, since: String?) {
        let (channels, id) = (subscriptions[index].channels, subscriptions[index].id)
        subscriptions[index].channels = []
        for channel in channels.sorted() { release(channel, id: .string(id)) }
        last += 1
        subscriptions[index].id = "s\(last)"
        subscriptions[index].sinceThen = nil
        subscriptions[index].request.since = since
        actions.append(.send(Self.message(subscriptions[index].request, id: "s\(last)")))
    }
}
