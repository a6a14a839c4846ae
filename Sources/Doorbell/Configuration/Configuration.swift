public import DoorbellAuth
public import DoorbellCore
public import DoorbellRollout

/// Everything that `doorbell.yaml` says, checked.
///
/// Made by ``load(file:environment:)``; a value of this type needs no further validation, but for what only the database can
/// tell (see ``requiredColumns``).
public struct Configuration: Sendable {
    /// How to reach PostgreSQL: a libpq URL or `key=value` string. No default.
    public var database: String
    /// Where clients connect. Default `0.0.0.0:8080`.
    public var listen: ListenAddress
    /// Metrics, the dashboard and administration. Default `127.0.0.1:8081`: whoever reaches it may read.
    public var admin: ListenAddress
    /// What it takes to change anything on ``admin``, and to read there from beyond this machine. `nil`: nobody may. Default `nil`.
    public var adminToken: AdminToken?
    /// The legacy API: an `http` or `https` URL without a trailing slash. No default.
    public var upstream: String
    /// Browser origins that may connect, such as `https://app.example`, `https://*.example.com` or `null`. Default empty: the
    /// service's own origin only.
    public var origins: [String]
    /// What a call to the legacy API over a socket may set, in lower case, besides the usual ones. Default empty.
    public var requestHeaders: Set<String> = []
    /// Whether messages are compressed for WebSocket clients that offer it. Default `false`.
    public var compression = false
    /// The file that requests are written to, or `-` for standard output. Default `nil`: nowhere.
    public var accessLog: String?
    /// The certificate of ``listen``; `nil`: no TLS. Default `nil`.
    public var tls: CertificateConfiguration?
    /// How clients say who they are by a token. `nil`: they do not, and the legacy API alone knows them. Default `nil`.
    public var authentication: Authentication?
    /// In the order of the file; names are unique and no two share a channel.
    public var features: [Feature]
    public var capture: Capture
    public var cache = Cache()
    /// What things cost, for the comparison of polling and push.
    public var prices = Prices()
    public var comparison = Comparison()
    public var limits: Limits
    /// What is allowed and yet probably not meant.
    public var warnings: [ConfigurationProblem]

    public init(
        database: String, listen: ListenAddress = ListenAddress(host: "0.0.0.0", port: 8080),
        admin: ListenAddress = ListenAddress(host: "127.0.0.1", port: 8081), upstream: String, origins: [String] = [],
        features: [Feature], capture: Capture = Capture(), limits: Limits = Limits(),
        warnings: [ConfigurationProblem] = []
    ) {
        self.database = database
        self.listen = listen
        self.admin = admin
        self.upstream = upstream
        self.origins = origins
        self.features = features
        self.capture = capture
        self.limits = limits
        self.warnings = warnings
    }

    /// The database side.
    public struct Capture: Sendable {
        /// How long changes stay in the outbox, and so how long a client may be away and still resume. From 10 s to 7 d;
        /// longer costs disk. Default 10 min.
        public var retention: Duration = .seconds(600)
        /// Default ``Bell/auto``.
        public var bell: Bell = .auto
        /// The PostgreSQL role that owns the outbox. Default `doorbell`.
        public var role = "doorbell"
        /// PostgreSQL roles that may call `doorbell.publish`, besides that one. Default none.
        public var publishers: [String] = []
        /// Tables captured by one statement-level trigger instead of a row-level one. Default none.
        public var statementTables: Set<QualifiedName> = []

        public init() {}
    }

    /// Whether writers wake the service.
    public enum Bell: String, Hashable, Sendable, CaseIterable {
        /// NOTIFY, only while the service sleeps.
        case auto
        /// Never: the service looks by itself, which costs latency while it is quiet.
        case never
    }

    /// What the features with a cache share.
    public struct Cache: Sendable {
        /// Bytes of answers that are kept, about; the one that was not used for longest leaves first. From 1 MiB to 64 GiB. Default
        /// 64 MiB.
        public var size = 64 << 20
        /// How long ago the service may have known of everything committed, for an answer from memory; then the legacy API is asked. From
        /// 2 s, because it is told once a second while nothing happens, to 1 min. Default 3 s.
        public var lag: Duration = .seconds(3)

        public init() {}
    }

    /// What polling and push cost, as it is counted.
    public struct Comparison: Sendable {
        /// How long the database keeps it, from 1 h to 400 d: by the minute for two hours, by ten minutes for two days, then by the hour.
        /// Default 30 d.
        public var retention: Duration = .days(30)
        /// Where the legacy API runs on this machine, so that its processor time is counted. Default `nil`: it is not.
        var legacy: LegacyProcess.Place?

        public init() {}
    }

    /// Bounds of what clients may use.
    public struct Limits: Sendable {
        /// Client connections of all kinds; one more is refused with 503. From 1 to 1,000,000. Default 10,000.
        public var connections = 10_000
        /// Connections of one IPv4 address, or one IPv6 /64; one more is refused with 503. From 1 to 1,000,000; 0: any number.
        /// Default 256.
        public var connectionsPerAddress = 256
        /// Addresses that ``connectionsPerAddress`` is not for, besides this machine: the proxies in front. Default: private
        /// networks, which no client of the internet comes from.
        public var unlimitedAddresses = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
            .compactMap { AddressRange($0) }
        /// Channels that one connection may subscribe to. From 1 to 100,000. Default 1,000.
        public var subscriptionsPerConnection = 1_000
        /// Calls to the legacy API over a socket that one connection may have open. From 0, which takes none, to 1,000. Default 16.
        public var requestsPerConnection = 16
        /// Bytes of one message from a client; a longer one closes the connection with 1009. From 1 KiB to 16 MiB. Default
        /// 64 KiB.
        public var messageSize = 64 * 1024
        /// Bytes of the data that a client publishes; longer ones are refused. From 1 B to 64 KiB. Default 16 KiB.
        public var publishSize = 16 * 1024
        /// Messages a second from one client, on average; more close the connection with 4502. At once it may send 200 and as many as
        /// ``subscriptionsPerConnection``. From 1 to 1,000,000. Default 50.
        public var messageRate = 50
        /// Bytes that may wait for one connection; past it the feature's `slow` policy decides. From 16 KiB to 1 GiB.
        /// Default 1 MiB.
        public var sendBudget = 1024 * 1024
        /// Bytes of a request's head; a longer one is answered with 431. From 1 KiB to 1 MiB. Default 32 KiB.
        public var headerSize = 32 * 1024
        /// How long a client may take to connect: the TLS handshake, where there is one, and the first request's head. From 100 ms to
        /// 10 min. Default 10 s.
        public var handshakeTime: Duration = .seconds(10)
        /// How long a connection may be open without a request. From 1 s to 1 h. A proxy in front should keep its connections for
        /// less. Default 75 s.
        public var idleTime: Duration = .seconds(75)
        /// How long a client may take between two parts of a request's body, or without taking more of an answer. From 1 s to 1 h.
        /// Default 60 s.
        public var stallTime: Duration = .seconds(60)
        /// WebSockets of the legacy API that may pass through, each of them one of ``connections``; one more is refused with 503. From 0
        /// to 1,000,000. Default 1,000.
        public var tunnels = 1_000
        /// How long nothing may pass through one of them. From 1 s to 7 d. Default 1 h.
        public var tunnelIdleTime: Duration = .seconds(3600)
        /// Between two pings; a client silent for two of them is gone. From 1 s to 10 min. Default 25 s.
        public var heartbeat: Duration = .seconds(25)
        /// How often the legacy API is asked again whether a subscriber may still read. From 1 s to 1 d. Default 5 min.
        public var reauthorize: Duration = .seconds(300)
        /// How long the legacy API may take to answer. From 100 ms to 1 h. Default 60 s.
        public var upstreamTimeout: Duration = .seconds(60)

        public init() {}
    }
}

extension Configuration {
    /// Every column that templates, queries and projections name, by table, each once: what the database must have.
    /// In the order of the file.
    public var requiredColumns: [(table: QualifiedName, columns: [String])] {
        var required: [(table: QualifiedName, columns: [String])] = []
        for feature in features {
            var projected: [String] = []
            if feature.tables.contains(where: { ($0.mode ?? feature.mode) == .rows }) {
                for case .fields(let fields) in feature.versions.map(\.projection) {
                    for case .column(let column, _) in fields.map(\.source) { projected.append(column) }
                }
            }
            for rule in feature.tables {
                let index: Int
                if let known = required.firstIndex(where: { $0.table == rule.table }) {
                    index = known
                } else {
                    index = required.count
                    required.append((rule.table, []))
                }
                let named: [String] =
                    switch rule.channel {
                    case .template(let template): template.names
                    case .query(let query): query.columns
                    }
                let wanted = (rule.mode ?? feature.mode) == .rows ? named + projected : named
                for column in wanted where !required[index].columns.contains(column) {
                    required[index].columns.append(column)
                }
            }
        }
        return required
    }
}
