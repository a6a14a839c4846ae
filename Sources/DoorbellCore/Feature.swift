/// One migration unit: a polled endpoint of the legacy API and the channels that replace it.
///
/// Made once from the configuration, immutable, shared by reference.
public final class Feature: Sendable {
    public let name: String
    /// The polled endpoint.
    public let poll: PollPattern
    /// What clients wait between two polls today.
    public let interval: Duration
    public let mode: Mode
    public let tables: [TableRule]
    /// How a polled URL names its channels. Without it, the templates of ``tables`` that the URL can fill.
    public let channel: ChannelTemplate?
    /// The `type` of the messages clients see.
    public let messageType: String
    /// At least one, ascending.
    public let versions: [(version: SchemaVersion, projection: Projection)]
    public let authorize: Authorization
    /// How long messages may wait for others to leave with; zero: none waits.
    public let batch: Duration
    public let slow: SlowPolicy
    public let publish: Publishing
    public let delivery: Delivery
    public let history: HistoryLimits
    /// Where it begins while the database has no row for it; then the database decides.
    public let start: Rollout
    /// How clients are told apart in `canary`.
    public let cohort: CohortRule
    /// How polling ends in stage `retired`.
    public let retirement: Retirement
    /// Whether subscribers may know who else is subscribed.
    public let presence: Bool
    public let parity: ParitySettings
    /// Whether unchanged polls are answered from memory; `nil`: none is.
    public let cache: Caching?
    /// What moves the feature from stage to stage; `nil`: people do.
    public let gate: GateSettings?

    public init(
        name: String, poll: PollPattern, interval: Duration = .seconds(3), mode: Mode = .rows, tables: [TableRule],
        channel: ChannelTemplate? = nil, messageType: String = "change",
        versions: [(version: SchemaVersion, projection: Projection)] = [],
        authorize: Authorization = .poll, batch: Duration = .zero, slow: SlowPolicy = .reset,
        publish: Publishing = .nobody, delivery: Delivery = .resumable, history: HistoryLimits = HistoryLimits(),
        stage: Stage = .observe, percent: Percent? = nil, cohort: CohortRule = CohortRule(),
        retirement: Retirement = Retirement(), presence: Bool = false, parity: ParitySettings = ParitySettings(),
        cache: Caching? = nil, gate: GateSettings? = nil
    ) {
        self.name = name
        self.poll = poll
        self.interval = interval
        self.mode = mode
        self.tables = tables
        self.channel = channel
        self.messageType = messageType
        self.versions = versions.isEmpty ? [(.first, .all)] : versions.sorted { $0.version < $1.version }
        self.authorize = authorize
        self.batch = batch
        self.slow = slow
        self.publish = publish
        self.delivery = delivery
        self.history = history
        self.start = Rollout(stage, percent: percent)
        self.cohort = cohort
        self.retirement = retirement
        self.presence = presence
        self.parity = parity
        self.cache = cache
        self.gate = gate
    }

    /// What a change of a row is told as.
    public enum Mode: String, Hashable, Sendable, CaseIterable {
        /// Each row change is a message.
        case rows
        /// Only "changed"; the client fetches the poll again.
        case signal
        /// The poll's new answer, which the legacy API is asked for in the client's name.
        case answer
    }

    /// Who may subscribe.
    public enum Authorization: Hashable, Sendable {
        /// Whoever may poll the URL: the legacy API is asked with the caller's own credentials.
        case poll
        /// Everybody.
        case `public`
        /// Whoever's token says so: every rule holds. At least one, no two for the same name; every template of the feature has
        /// every name. The legacy API is not asked.
        case claims([ClaimRule])
    }

    /// A value of the channel's name that a token has to claim: `{ user_id: sub }`.
    public struct ClaimRule: Hashable, Sendable {
        /// The name in the channel's templates.
        public let name: String
        /// Where the token has the value: a claim, or a path into nested ones with dots between (`org.id`).
        public let claim: String

        public init(name: String, claim: String) {
            self.name = name
            self.claim = claim
        }
    }

    /// What happens to a subscriber that reads slower than it is sent to.
    public enum SlowPolicy: String, Hashable, Sendable, CaseIterable {
        /// It goes on from history when it reads again, and is told `reset` when that does not reach back.
        case reset
        /// As `reset`, and of what it is behind on it is told the newest message of each row only.
        case conflate
        /// The connection is closed with 4000; the client comes back and recovers.
        case disconnect
    }

    /// Which clients may publish direct messages. The application may in any case, by SQL.
    public enum Publishing: String, Hashable, Sendable, CaseIterable {
        case nobody = "false"
        /// Whoever is subscribed to the channel.
        case subscribers
    }

    /// Who remembers how far a client has got.
    public enum Delivery: String, Hashable, Sendable, CaseIterable {
        /// The client, which says so when it comes back.
        case resumable
        /// The service: for clients that name themselves, what they have not acknowledged is delivered again.
        case atLeastOnce
    }

    /// How long and for whom a poll's answer is good while nothing happens on its channels.
    public struct Caching: Hashable, Sendable {
        /// Who shares an answer.
        public enum Identity: String, Hashable, Sendable, CaseIterable {
            /// Requests that say the same of who is asking and from where.
            case credentials
            /// Everybody: the answer does not depend on who is asking.
            case `public`
        }

        /// Whom a request with `Cache-Control: no-cache` or `max-age=0` asks whether an answer still holds.
        public enum Revalidation: String, Hashable, Sendable, CaseIterable {
            /// The change log, like every other request.
            case log
            /// The legacy API.
            case origin
        }

        /// An older answer is not used, whatever the change log says. More than zero.
        public let maxAge: Duration
        public let identity: Identity
        public let revalidate: Revalidation
        /// What is asked for sooner than this after a change on its channels is not kept: for an API that does not show its own changes at
        /// once, because it reads replicas or caches.
        public let settle: Duration
        /// Query parameters that mean nothing: what clients add so that no two of their URLs are alike.
        public let ignoredParameters: Set<String>

        public init(
            maxAge: Duration = .seconds(60), identity: Identity = .credentials, revalidate: Revalidation = .log,
            settle: Duration = .zero, ignoredParameters: Set<String> = []
        ) {
            self.maxAge = maxAge
            self.identity = identity
            self.revalidate = revalidate
            self.settle = settle
            self.ignoredParameters = ignoredParameters
        }
    }

    public struct TableRule: Sendable {
        public let table: QualifiedName
        public let channel: ChannelRule
        /// How this table's changes are told, where that is not the feature's own mode: `signal` for a table whose rows do not look
        /// like the feature's messages.
        public let mode: Mode?

        public init(table: QualifiedName, channel: ChannelRule, mode: Mode? = nil) {
            self.table = table
            self.channel = channel
            self.mode = mode
        }
    }

    /// How a row names its channels.
    public enum ChannelRule: Sendable {
        case template(ChannelTemplate)
        /// SQL that returns channel names, one a row, in its first column.
        case query(ChannelQuery)
    }

    /// Whether clients that are pushed to are told "changed" by some of its tables, and fetch by the polled URL then.
    public var sendsSignals: Bool { tables.contains { ($0.mode ?? mode) == .signal } }

    /// Every template that names channels of this feature.
    public var templates: [ChannelTemplate] {
        var templates: [ChannelTemplate] = []
        if let channel { templates.append(channel) }
        for rule in tables {
            if case .template(let template) = rule.channel, !templates.contains(template) { templates.append(template) }
        }
        return templates
    }

    /// The first of `wanted` that the feature knows; the lowest known one when nothing is wanted, because a client that asks
    /// for no version was written before there was a choice. `nil`: none of them is known.
    public func version(among wanted: [SchemaVersion]) -> SchemaVersion? {
        if wanted.isEmpty { return versions.first?.version }
        return wanted.first { version in versions.contains { $0.version == version } }
    }

    /// The channels that stand for a polled URL whose holes have these values. Empty when the URL cannot be mapped.
    public func channels(for values: [String: String]) -> [ChannelName] {
        let candidates = channel.map { [$0] } ?? templates
        var channels: [ChannelName] = []
        for template in candidates {
            if case .channel(let name) = template.expand({ values[$0].map { .some($0) } }), !channels.contains(name) {
                channels.append(name)
            }
        }
        return channels
    }

    /// The polled URL that a channel stands for, so that a subscription by channel can be authorised by asking for it.
    public func pollTarget(for channel: ChannelName) -> String? {
        for template in templates {
            if let values = template.match(channel), let target = poll.fill(values) { return target }
        }
        return nil
    }

    /// Whether `channel` is one of this feature's.
    public func owns(_ channel: ChannelName) -> Bool { templates.contains { $0.match(channel) != nil } }
}

/// Bounds of one channel's history; whatever is reached first.
public struct HistoryLimits: Hashable, Sendable {
    /// Messages.
    public let count: Int
    public let age: Duration

    public init(count: Int = 1000, age: Duration = .seconds(600)) {
        self.count = count
        self.age = age
    }
}
