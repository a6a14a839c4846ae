/// What things cost, to make money of a ``ComparisonReport``.
///
/// The defaults are examples, from public list prices of Amazon Web Services in us-east-1 as of 2025: an HTTP API, or a WebSocket API with its messages
/// and connection minutes, at the API Gateway; traffic to the internet; a vCPU hour of Fargate. Whoever runs machines of their own sets `requests` and
/// `connections` to 0.
public struct Prices: Sendable, Codable, Hashable {
    /// Of a million polls, or of a million messages to clients. From 0 to 1,000,000. Default 1.00.
    public var requests = 1.0
    /// Of a gigabyte (1,000,000,000 bytes) to clients; what comes from them is free everywhere. From 0 to 1,000,000. Default 0.09.
    public var traffic = 0.09
    /// Of a million minutes of open connections. From 0 to 1,000,000. Default 0.25.
    public var connections = 0.25
    /// Of an hour of one processor. From 0 to 1,000,000. Default 0.04048.
    public var cpu = 0.04048
    /// Written before amounts. Default `USD`.
    public var currency = "USD"

    public init() {}

    /// What that took would cost.
    public func cost(of tally: ComparisonReport.Tally) -> Cost {
        Cost(
            requests: Double(tally.requests) / 1e6 * requests, traffic: Double(tally.bytesDown) / 1e9 * traffic,
            connections: tally.connectionSeconds / 60 / 1e6 * connections, cpu: tally.cpuSeconds / 3600 * cpu)
    }
}
