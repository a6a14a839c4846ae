public import DoorbellCore

/// What polling and push cost and gave over some time: what `doorbell compare` prints, the dashboard draws and `--html` keeps.
///
/// Times are seconds since 1970-01-01 UTC. Sums only: whoever shows a report makes shares, rates and money of them.
public struct ComparisonReport: Sendable, Codable, Equatable {
    public var from: Double
    public var until: Double
    /// Seconds that one point of a series covers.
    public var step: Double
    public var features: [Feature]
    /// One for each feature, cohort and path that counted anything, in the order of the configuration.
    public var lines: [Line]
    /// Of all features together, one for each path; points from old to new, those without anything left out.
    public var paths: [PathSeries]
    /// Of the service and, where its process or cgroup was named, of the legacy API.
    public var processes: [ProcessUsage]
    /// `nil` while nothing is known of it.
    public var database: DatabaseUsage?
    /// Radio-on time of clients that were looked at. An estimate.
    public var radio: [RadioUsage]
    /// What is missing in it, and why; `nil`: nothing.
    public var trouble: String?

    public struct Feature: Sendable, Codable, Equatable {
        public var name: String
        /// `GET /api/…` as configured.
        public var poll: String
        public var stage: String
        /// Of clients that are told to use push, 0 to 100.
        public var percent: Double
        /// What clients are thought to do, seconds; `nil` when the configuration does not say.
        public var interval: Double?

        public init(name: String, poll: String, stage: String, percent: Double, interval: Double?) {
            self.name = name
            self.poll = poll
            self.stage = stage
            self.percent = percent
            self.interval = interval
        }
    }

    public struct Line: Sendable, Codable, Equatable {
        public var feature: String
        public var cohort: Ledger.Cohort
        public var path: Ledger.Path
        public var total: Tally
        /// How long it took to tell, from short to long; the last is the longest that was seen.
        public var staleness: [StalenessBucket]
        /// Empty unless asked for.
        public var points: [Point]
    }

    public struct PathSeries: Sendable, Codable, Equatable {
        public var path: Ledger.Path
        public var points: [Point]
    }

    public struct Point: Sendable, Codable, Equatable {
        /// When it begins.
        public var at: Double
        public var total: Tally
    }

    public struct StalenessBucket: Sendable, Codable, Equatable {
        /// Seconds; a told change took at most so long, and longer than the bucket before.
        public var upTo: Double
        public var count: UInt64
    }

    /// Counts of some time; they add up, but for the percentiles.
    public struct Tally: Sendable, Codable, Equatable {
        /// Polls answered, or messages pushed (one for each client that was told).
        public var requests: UInt64 = 0
        /// Of them: nothing new for the client.
        public var unchanged: UInt64 = 0
        /// The legacy API failed, or there was no answer.
        public var errors: UInt64 = 0
        /// From clients, heads and frames included.
        public var bytesUp: UInt64 = 0
        /// To clients, heads and frames included.
        public var bytesDown: UInt64 = 0
        /// Of `bytesDown`: what answers of 304 would have saved, because the client had asked for the same before, without a tag.
        public var bytesTagsWouldSave: UInt64 = 0
        /// Requests to the legacy API that were made for it.
        public var originRequests: UInt64 = 0
        /// Open, summed over time: connections times seconds.
        public var connectionSeconds: Double = 0
        /// Subscriptions that came back after a loss.
        public var reconnects: UInt64 = 0
        /// Of clients that are pushed to and read too slowly.
        public var buffers = SendBuffers()
        /// Processor time of the service, as far as it can be told apart.
        public var cpuSeconds: Double = 0
        /// Changes that somebody was told of, one for each client.
        public var told: UInt64 = 0
        /// From a change's commit until a client was told; `nil` when nobody was told anything.
        public var staleness: Percentiles?

        public init() {}
    }

    /// Seconds.
    public struct Percentiles: Sendable, Codable, Equatable {
        public var p50: Double
        public var p95: Double
        public var p99: Double

        public init(p50: Double, p95: Double, p99: Double) {
            self.p50 = p50
            self.p95 = p95
            self.p99 = p99
        }
    }

    public struct ProcessUsage: Sendable, Codable, Equatable {
        /// `doorbell`, `legacy API`.
        public var name: String
        /// Processor seconds over the whole time; `nil`: not known.
        public var cpuSeconds: Double?
        /// Bytes resident now; `nil`: not known.
        public var memory: UInt64?
        public var points: [Point]

        public struct Point: Sendable, Codable, Equatable {
            public var at: Double
            public var cpuSeconds: Double
        }
    }

    public struct DatabaseUsage: Sendable, Codable, Equatable {
        /// Of the whole database over the time, as `pg_stat_database` counts: commits and rollbacks.
        public var transactions: UInt64
        /// Statements, where `pg_stat_statements` is installed.
        public var statements: UInt64?
    }

    public struct RadioUsage: Sendable, Codable, Equatable {
        public var path: Ledger.Path
        /// Clients that were looked at.
        public var clients: Int = 0
        /// Of all of them: seconds that they were watched.
        public var watchedSeconds: Double = 0
        /// Of them: while the client was in the foreground, as far as its traffic tells.
        public var foregroundSeconds: Double = 0
        /// Of ``watchedSeconds``: with the radio on, had each been on its own on an LTE phone.
        public var radioSeconds: Double = 0
        /// Times that it was switched on.
        public var promotions: UInt64 = 0

        public init(path: Ledger.Path) { self.path = path }

        /// One more client.
        public mutating func add(_ clock: RadioClock, until moment: Double) {
            clients += 1
            watchedSeconds += clock.watchedSeconds(until: moment)
            foregroundSeconds += clock.foregroundSeconds(until: moment)
            radioSeconds += clock.onSeconds(until: moment)
            promotions += clock.promotions
        }
    }
}
