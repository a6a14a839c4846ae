/// Every key of `doorbell.yaml`: what documents print and what the reader accepts, in one list, so that neither can know a key
/// that the other does not.
public enum ConfigurationReference {
    public struct Entry: Hashable, Sendable {
        /// The path: `<name>` stands for a name of one's own, `[]` for an element of a list.
        public let key: String
        /// What may be written there.
        public let type: String
        /// `nil`: has to be written, or does nothing when left out.
        public let defaultValue: String?
        /// What it means.
        public let text: String

        init(_ key: String, _ type: String, _ defaultValue: String?, _ text: String) {
            self.key = key
            self.type = type
            self.defaultValue = defaultValue
            self.text = text
        }
    }

    public static let entries: [Entry] = [
        Entry(
            "database", "libpq URL or key=value text", nil,
            "How to reach PostgreSQL, directly and not through a pooler. DOORBELL_DATABASE overrides it."),
        Entry(
            "listen", "host:port", "0.0.0.0:8080", "Where clients connect. Port 0: any. DOORBELL_LISTEN overrides it."),
        Entry(
            "admin", "host:port or mapping", "127.0.0.1:8081",
            "Metrics, the dashboard and administration: the address, or a mapping with it."),
        Entry(
            "admin.listen", "host:port", "127.0.0.1:8081",
            "Beyond this machine it shows metrics and health only, unless there is a token. DOORBELL_ADMIN overrides it."
        ),
        Entry(
            "admin.token", "text", nil,
            "16 characters at least: who sends it may move features and see what messages hold. DOORBELL_ADMIN_TOKEN overrides it."
        ),
        Entry("upstream", "http or https URL", nil, "The legacy API. DOORBELL_UPSTREAM overrides it."),
        Entry(
            "origins", "list of origins", "[]",
            "Browser origins that may connect, such as https://app.example or https://*.example.com; none: the service's own origin only."
        ),
        Entry(
            "requestHeaders", "list of header names", "[]",
            "What a call to the legacy API over a socket may set, besides the usual ones such as content-type."),
        Entry(
            "compression", "true | false", "false",
            "true: WebSocket clients that offer permessage-deflate get it. Not for messages with a secret beside text of others."
        ),
        Entry(
            "tls", "mapping", nil, "TLS for 'listen', with HTTP/2 for clients that ask for it; none: plain HTTP/1.1."),
        Entry(
            "tls.certificate", "file", nil,
            "The server's certificate and those that it is signed with, in PEM, the server's first; relative to this file."
        ),
        Entry(
            "tls.key", "file", nil, "The certificate's private key in PEM, not encrypted; relative to this file."),
        Entry("tls.minimumVersion", "1.2 | 1.3", "1.2", "The lowest version of TLS that is spoken."),
        Entry(
            "tls.checkInterval", "duration, 1s to 1h", "10s",
            "How often the two files are looked at; new ones are taken for new connections, when they work."),
        Entry("auth", "mapping", nil, "How clients say who they are by a JSON Web Token; without it, they do not."),
        Entry(
            "auth.secret", "text", nil, "The key of HS256 tokens, 32 bytes at least. One of secret, pem and jwks."),
        Entry(
            "auth.pem", "file", nil,
            "A public key or a certificate in PEM, read again when it changes; relative to this file."),
        Entry(
            "auth.jwks", "file or https URL", nil,
            "A JSON Web Key Set, read or fetched again when it may have changed; a file is relative to this one."
        ),
        Entry(
            "auth.algorithms", "list of names", nil,
            "What tokens may be signed with; none: HS256 with a secret, else RS256, ES256, ES384, ES512 and EdDSA."),
        Entry("auth.issuers", "list of text", "[]", "Accepted values of 'iss'; none: not looked at."),
        Entry(
            "auth.audiences", "list of text", "[]",
            "Accepted values of 'aud'; none: tokens with an audience are refused."),
        Entry("auth.clockSkew", "duration, 0s to 10m", "30s", "How far the issuer's clock may be from ours."),
        Entry("auth.subject", "path to a claim", "sub", "The claim that names the user."),
        Entry(
            "auth.channels", "path to a claim", nil,
            "A claim with a list of channels, with * for a segment, that its bearer may listen to."),
        Entry("auth.cookie", "name", nil, "A cookie with the token."),
        Entry(
            "auth.queryToken", "true | false", "false",
            "Whether ?token= is looked at; URLs end up in the logs of others."),
        Entry(
            "auth.required", "true | false", "false",
            "Whether everybody needs a token, but on the polled URL of a public feature."),
        Entry(
            "auth.deadline", "duration, 1s to 10m", "10s",
            "Where a token is required: how long a WebSocket may be open before its 'auth' message."),
        Entry(
            "accessLog", "file or '-'", nil,
            "Where requests are written to in the combined format, '-': standard output; a file is relative to this one."
        ),
        Entry("capture", "mapping", nil, "The database side."),
        Entry(
            "capture.retention", "duration, 10s to 7d", "10m",
            "How long changes stay in the outbox, and so how long a client may be away and still resume."),
        Entry(
            "capture.bell", "auto | never", "auto",
            "auto: writers wake the service while it sleeps. never: it looks by itself, later."),
        Entry("capture.role", "name", "doorbell", "The PostgreSQL role that owns the outbox."),
        Entry(
            "capture.publishers", "list of roles", "[]",
            "PostgreSQL roles that may call doorbell.publish, besides the owner of the outbox and its members."),
        Entry("cache", "mapping", nil, "What the features with a cache share."),
        Entry(
            "cache.size", "size, 1MiB to 64GiB", "64MiB",
            "Memory for answers; the one that was not used for longest leaves first."),
        Entry(
            "cache.lag", "duration, 2s to 1m", "3s",
            "How long ago all that was committed may have been known, for an answer from memory; then the legacy API is asked."
        ),
        Entry("comparison", "mapping", nil, "How polling is compared with push."),
        Entry(
            "comparison.prices", "mapping", nil,
            "What things cost; the defaults are examples, list prices of a large cloud. 'doorbell compare' makes money of them."
        ),
        Entry(
            "comparison.prices.requests", "number, 0 to 1000000", "1",
            "Of a million polls or messages to clients, as an API gateway counts them; 0 with machines of your own."),
        Entry(
            "comparison.prices.traffic", "number, 0 to 1000000", "0.09",
            "Of a gigabyte (1,000,000,000 bytes) to clients."),
        Entry(
            "comparison.prices.connections", "number, 0 to 1000000", "0.25",
            "Of a million minutes of open connections, as an API gateway counts them; 0 with machines of your own."),
        Entry("comparison.prices.cpu", "number, 0 to 1000000", "0.04048", "Of an hour of one processor."),
        Entry("comparison.prices.currency", "1 to 8 letters", "USD", "What amounts are written with."),
        Entry(
            "comparison.retention", "duration, 1h to 400d", "30d",
            "How long the database keeps it: by the minute for 2 h, by ten minutes for 2 d, then by the hour."),
        Entry(
            "comparison.legacy", "mapping", nil,
            "Where the legacy API runs on this machine, for its processor time. Of several nodes on one machine only one should say so."
        ),
        Entry(
            "comparison.legacy.pid", "number or file", nil,
            "Its process, or the file that names it; counted with all processes that it started."),
        Entry(
            "comparison.legacy.cgroup", "directory", nil, "Its control group (version 2), such as /sys/fs/cgroup/app."),
        Entry("limits", "mapping", nil, "Bounds of what clients may use."),
        Entry(
            "limits.connections", "number, 1 to 1000000", "10000", "Client connections; one more is refused with 503."),
        Entry(
            "limits.connectionsPerAddress", "number, 0 to 1000000", "256",
            "Connections of one IPv4 address or one IPv6 /64; one more is refused with 503. 0: any number."),
        Entry(
            "limits.unlimitedAddresses", "list of addresses and address/length",
            "[10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 'fc00::/7']",
            "Where connectionsPerAddress does not count, besides this machine: the proxies in front."),
        Entry(
            "limits.subscriptionsPerConnection", "number, 1 to 100000", "1000",
            "Channels that one connection may subscribe to."),
        Entry(
            "limits.requestsPerConnection", "number, 0 to 1000", "16",
            "Calls to the legacy API over a socket that one connection may have open; 0: none are taken."),
        Entry("limits.messageSize", "size, 1KiB to 16MiB", "64KiB", "The longest message from a client."),
        Entry(
            "limits.publishSize", "size, 1B to 64KiB", "16KiB", "The longest data of a message that a client publishes."
        ),
        Entry(
            "limits.messageRate", "number, 1 to 1000000", "50",
            "Messages a second from one client, on average; more close the connection with 4502."),
        Entry(
            "limits.sendBudget", "size, 16KiB to 1GiB", "1MiB",
            "What may wait for one connection; past it the feature's 'slow' policy decides."),
        Entry("limits.headerSize", "size, 1KiB to 1MiB", "32KiB", "The longest head of a request."),
        Entry(
            "limits.handshakeTime", "duration, 100ms to 10m", "10s",
            "How long a client may take for the TLS handshake and the first request's head."),
        Entry(
            "limits.idleTime", "duration, 1s to 1h", "75s",
            "How long a connection may be open without a request; a proxy in front should keep its for less."),
        Entry(
            "limits.stallTime", "duration, 1s to 1h", "60s",
            "How long a client may send nothing of a body it has begun, or take nothing of an answer."),
        Entry(
            "limits.tunnels", "number, 0 to 1000000", "1000",
            "WebSockets of the legacy API that may pass through; one more is refused with 503."),
        Entry(
            "limits.tunnelIdleTime", "duration, 1s to 7d", "1h", "How long nothing may pass through one of them."),
        Entry(
            "limits.heartbeat", "duration, 1s to 10m", "25s",
            "Between two pings; a client silent for two of them is gone."),
        Entry(
            "limits.reauthorize", "duration, 1s to 1d", "5m",
            "How often the legacy API is asked again whether a subscriber may still read."),
        Entry("limits.upstreamTimeout", "duration, 100ms to 1h", "1m", "How long the legacy API may take to answer."),
        Entry("features", "mapping", nil, "The endpoints that are being moved, by names of your own."),
        Entry("features.<name>", "mapping", nil, "One polled endpoint."),
        Entry(
            "features.<name>.poll", "GET /path/{name}?key={name}", nil,
            "The polled endpoint; each {name} fills a segment or a value."),
        Entry("features.<name>.interval", "duration, 100ms to 1d", "3s", "What clients wait between two polls today."),
        Entry(
            "features.<name>.mode", "rows | signal | answer", "rows",
            "rows: each row change is a message. signal: only that something changed; the client polls once. answer: the poll's new answer, asked for in the client's name."
        ),
        Entry(
            "features.<name>.channel", "channel template", nil,
            "How a polled URL names its channel; default: the templates of the tables that the URL can fill."),
        Entry(
            "features.<name>.tables", "list of mappings", nil,
            "The tables whose changes concern the endpoint. With a channel there may be none: direct messages only."),
        Entry("features.<name>.tables[].name", "schema.table", nil, "The table; without a schema, one in public."),
        Entry(
            "features.<name>.tables[].channel", "channel template or mapping", nil,
            "How a row names its channel: text with {column}, or a query."),
        Entry(
            "features.<name>.tables[].channel.query", "SQL", nil,
            "Returns channel names in its first column; {column} is a parameter with the row's value."),
        Entry(
            "features.<name>.tables[].mode", "rows | signal", nil,
            "The feature's own mode by default; signal for a table whose rows do not have the columns of the versions."),
        Entry(
            "features.<name>.tables[].capture", "row | statement", "row",
            "statement: one trigger call for a whole statement, for tables that are written in bulk."),
        Entry("features.<name>.message", "name", "change", "The 'type' of the messages that clients see."),
        Entry(
            "features.<name>.versions", "mapping", "1: every column",
            "What a row looks like to clients, by version number: a list of columns, or a mapping from field to column."
        ),
        Entry("features.<name>.versions.<number>", "list or mapping", nil, "One version, 1 to 65535."),
        Entry(
            "features.<name>.versions.<number>.<field>", "column or mapping", nil,
            "Where the field's value comes from."),
        Entry("features.<name>.versions.<number>.<field>.column", "name", nil, "The column."),
        Entry(
            "features.<name>.versions.<number>.<field>.as", "string | number | boolean", nil,
            "What to turn the value into; a row where that fails becomes a dead letter."),
        Entry("features.<name>.versions.<number>.<field>.const", "any value", nil, "The same value in every message."),
        Entry(
            "features.<name>.authorize", "poll | public | mapping", "poll",
            "poll: whoever may poll the URL, by the legacy API's own answer. public: everybody. A mapping: by the token's claims."
        ),
        Entry(
            "features.<name>.authorize.<name>", "path to a claim", nil,
            "The claim that has to be equal to this name's value in the channel, such as user_id: sub; all of them."),
        Entry(
            "features.<name>.batch", "duration, 0ms to 10s", "0ms",
            "How long a message may wait for others of its channel, to be sent with them as one 'batch'."),
        Entry(
            "features.<name>.slow", "reset | conflate | disconnect", "reset",
            "For a client that reads too slowly. reset: it goes on from history, and is told where that has ended. conflate: so too, but with the newest message of each row only. disconnect: it is closed with 4000."
        ),
        Entry(
            "features.<name>.publish", "false | subscribers", "false",
            "Which clients may publish on the channels: whoever is subscribed to the channel, or nobody."),
        Entry(
            "features.<name>.delivery", "resumable | atLeastOnce", "resumable",
            "resumable: the client says where it goes on. atLeastOnce: clients with a name go on after what they acknowledged."
        ),
        Entry("features.<name>.history", "mapping", nil, "What each channel keeps for clients that come back."),
        Entry("features.<name>.history.count", "number, 0 to 1000000", "1000", "Messages."),
        Entry("features.<name>.history.age", "duration, 0s to 7d", "10m", "How old they may be."),
        Entry(
            "features.<name>.presence", "true | false", "false",
            "true: whoever is subscribed may know who else is."),
        Entry(
            "features.<name>.parity", "mapping", nil,
            "How polls are compared with messages, from stage shadow on: doorbell parity shows what push would have missed."
        ),
        Entry("features.<name>.parity.enabled", "true | false", "true", "false: they are not compared."),
        Entry(
            "features.<name>.parity.ignore", "list of paths", "[]",
            "What changes by itself in an answer, such as $.serverTime or $.items[*].age. Most of it is learned without this."
        ),
        Entry(
            "features.<name>.parity.unordered", "list of paths", "[]",
            "Arrays of an answer whose order means nothing, such as $.items."),
        Entry(
            "features.<name>.parity.items", "mapping", nil,
            "Where an answer has the rows of the table, to apply messages to them and compare in full."),
        Entry("features.<name>.parity.items.path", "path", nil, "The array, such as $ or $.items."),
        Entry("features.<name>.parity.items.key", "name", nil, "The member that tells its objects apart, such as id."),
        Entry(
            "features.<name>.parity.items.version", "number", nil,
            "The version whose messages are applied; the lowest by default."),
        Entry(
            "features.<name>.cache", "true | false | mapping", "false",
            "Whether polls are answered from memory while nothing happens on their channels."),
        Entry(
            "features.<name>.cache.maxAge", "duration, 1s to 1d", "1m",
            "An older answer is not used, whatever the change log says."),
        Entry(
            "features.<name>.cache.identity", "credentials | public", "credentials",
            "credentials: an answer is for requests that say the same of who is asking. public: for everybody."),
        Entry(
            "features.<name>.cache.settle", "duration, 0s to 1m", "0ms",
            "What is asked for sooner after a change is not kept: for an API that reads replicas or caches, and does not show a change at once."
        ),
        Entry(
            "features.<name>.cache.ignore", "list of names", "[]",
            "Query parameters that mean nothing, such as _, with which clients make each of their URLs another one."),
        Entry(
            "features.<name>.cache.revalidate", "log | origin", "log",
            "Whom a request with 'Cache-Control: no-cache' or 'max-age=0' asks: the change log, as every other, or the legacy API."
        ),
        Entry(
            "features.<name>.gate", "mapping", nil,
            "Moves the feature from shadow over rising percentages to push, and back when it does not do well; none: people do."
        ),
        Entry("features.<name>.gate.interval", "duration, 1s to 1d", "60s", "Between two checks."),
        Entry(
            "features.<name>.gate.threshold", "number, 1 to 1000", "3",
            "Failed checks, one after the other, after which it is rolled back to shadow."),
        Entry(
            "features.<name>.gate.step", "percentage", "10", "What a successful check adds to the share of clients."),
        Entry(
            "features.<name>.gate.max", "percentage", "50",
            "The share after which a successful check moves the feature to push."),
        Entry(
            "features.<name>.gate.minimum", "number, 1 to 1000000", "20",
            "Changes that parity has to have compared for a check to succeed; with fewer it is inconclusive, and waits."
        ),
        Entry("features.<name>.gate.missed", "percentage", "0", "Of the changes, how many push may have missed."),
        Entry("features.<name>.gate.spurious", "percentage", "50", "Of the messages, how many may be for nothing."),
        Entry("features.<name>.gate.errors", "percentage", "1", "Of the polls, how many the legacy API may fail."),
        Entry(
            "features.<name>.gate.staleness", "duration, 1ms to 1d", nil,
            "From a commit until a client was told by push, the 99th percentile; default: as long as by polls, or as they wait."
        ),
        Entry(
            "features.<name>.gate.reconnects", "number, 1 to 100000", "3",
            "How often a client's subscription may end in a minute, on average."),
        Entry(
            "features.<name>.gate.webhook", "http or https URL", nil,
            "Where decisions are posted to as JSON, once each, within 5 s."),
        Entry(
            "features.<name>.stage", "observe | shadow | canary | push | retired", "observe",
            "Where the feature begins, until 'doorbell stage' moves it. observe: clients poll. shadow: changes are captured and translated too. canary: a share of the clients is told to use push. push: all are. retired: so too, and polling is about to end."
        ),
        Entry("features.<name>.percent", "percentage, 0 to 100", nil, "The share, where a feature begins in canary."),
        Entry(
            "features.<name>.cohort", "mapping", nil,
            "How clients are told apart in canary. It is no right, so nothing of it is verified."),
        Entry(
            "features.<name>.cohort.by", "user | cookie | address", "user",
            "user: what the client's token claims, else its Authorization. cookie: a session cookie. address: the first of X-Forwarded-For, else the peer's. A client without any of them goes by its address."
        ),
        Entry(
            "features.<name>.cohort.claim", "path to a claim", nil,
            "With 'by: user': the claim that names the user; default: auth.subject, or sub."),
        Entry("features.<name>.cohort.cookie", "name", nil, "With 'by: cookie': the cookie that stands for a session."),
        Entry(
            "features.<name>.cohort.allow", "list of text", "[]",
            "Users, cookie values or addresses that canary includes whatever the percentage."),
        Entry(
            "features.<name>.cohort.deny", "list of text", "[]",
            "Users, cookie values or addresses that are never told to use push, in no stage."),
        Entry(
            "features.<name>.retirement", "mapping", nil,
            "How polling ends in stage retired: what poll answers say, and when they fail."),
        Entry(
            "features.<name>.retirement.deprecated", "date", nil,
            "Since when polling is deprecated (Deprecation); default: since the feature was moved to retired."),
        Entry(
            "features.<name>.retirement.sunset", "date", nil,
            "From when on polls may not be answered any more (Sunset), such as 2030-01-01 or 2030-01-01T10:00Z."),
        Entry("features.<name>.retirement.link", "URL", nil, "A page that tells people about it (Link)."),
        Entry(
            "features.<name>.retirement.successor", "URL", nil, "What takes the place of the polled URL (Link)."),
        Entry(
            "features.<name>.retirement.brownouts", "list of windows", "[]",
            "When polls are answered with 503, to find out who depends on them: begin/length or begin/end, such as 2030-01-01T10:00Z/15m."
        ),
        Entry(
            "features.<name>.retirement.gone", "true | false", "false",
            "true: polls are answered with 410 after sunset, and are not passed on."),
    ]

    /// The keys of the mapping at `parent` (empty for the root), without names of one's own.
    static func children(of parent: String) -> [String] {
        let prefix = parent.isEmpty ? "" : parent + "."
        return entries.compactMap { entry in
            guard entry.key.hasPrefix(prefix), entry.key != parent else { return nil }
            let rest = entry.key.dropFirst(prefix.count)
            return rest.contains(".") || rest.hasPrefix("<") || rest.isEmpty ? nil : String(rest)
        }
    }
}
