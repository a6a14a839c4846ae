public import DoorbellRollout

/// What was measured in one phase.
public struct PhaseResult: Sendable, Codable, Equatable {
    /// The head of its column: `polling`, `push (WebSocket)`.
    public var name: String
    public var isPush: Bool
    /// Seconds that were measured.
    public var seconds: Double
    /// Of clients; open at the end of the measured time.
    public var connections: Int
    /// Connections that ended by themselves.
    public var lost: Int
    /// Until all clients were connected and, for push, subscribed; seconds. Not part of the measured time.
    public var connecting: Double
    /// Polls answered, or messages received.
    public var requests: Int
    /// Of them: nothing new for the client.
    public var unchanged: Int
    /// Answers that were errors.
    public var failures: Int
    /// Polls that were due while the one before had no answer yet, and so were not made.
    public var skipped: Int
    /// TCP payload that clients sent.
    public var bytesUp: Int
    /// TCP payload that clients received.
    public var bytesDown: Int
    /// Of the simulated database: commits and rollbacks.
    public var transactions: Int
    public var usage: [Usage]
    /// Changes that were committed.
    public var changes: Int
    /// Of them: their user's client has not seen them.
    public var missed: Int
    /// Changes that another user's client saw.
    public var strangers: Int
    /// From commits until clients saw the change, seconds.
    public var staleness: ComparisonReport.Percentiles?
    /// The same, how many took how long.
    public var stalenessBuckets: [StalenessBucket]
    /// Of polls, from asking to the answer's end, the 99th percentile, seconds.
    public var answerTime: Double?
    /// How late the load generator was with its own timers, the 99th percentile, seconds.
    public var generatorLateness: Double?

    /// Of the time, how long the radio of a phone would be on, 0 to 1: an estimate, see ``RadioEstimate``.
    public var radioShare: Double

    /// Requests or messages a second.
    public var rate: Double { seconds > 0 ? Double(requests) / seconds : 0 }
    /// `nil` without requests.
    public var unchangedShare: Double? { requests == 0 ? nil : Double(unchanged) / Double(requests) }
    /// Of everything but the load generator.
    public var serverSeconds: Double { usage.filter { $0.name != Self.generator }.reduce(0) { $0 + $1.cpuSeconds } }

    /// What 30 days of it would cost, by the prices of cloud services: an estimate.
    func month(_ prices: Prices = Prices()) -> Double {
        guard seconds > 0 else { return 0 }
        var tally = ComparisonReport.Tally()
        tally.requests = UInt64(max(0, requests))
        tally.bytesDown = UInt64(max(0, bytesDown))
        // Connections that poll are not counted as open ones: nobody bills for them.
        tally.connectionSeconds = isPush ? Double(connections) * seconds : 0
        tally.cpuSeconds = serverSeconds
        return prices.cost(of: tally).total * 30 * 86_400 / seconds
    }

    static let generator = "load generator"

    func usage(of name: String) -> Usage? { usage.first { $0.name == name } }
}
