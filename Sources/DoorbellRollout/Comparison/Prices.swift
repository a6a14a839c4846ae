/// What things cost, to make money of a ``ComparisonReport``.
///
/// The defaults are examples: list prices of Amazon Web Services in us-east-1, without free tiers and rebates. They were read in articles about the price
/// lists, not in the lists themselves, which are tables that a script fills in; look there before you decide anything by them.
///
/// - `requests`, 1.00: an HTTP API's first 300 million requests, or a WebSocket API's first 1,000 million messages, at the API Gateway
///   (awsforengineers.com/blog/aws-api-gateway-pricing-explained, 19 May 2025; the list is aws.amazon.com/api-gateway/pricing).
/// - `connections`, 0.25: a million connection minutes of a WebSocket API (amnic.com/blogs/aws-api-gateway-pricing, undated).
/// - `traffic`, 0.09: a gigabyte to the internet, the first 10 TB a month (the first of these articles).
/// - `cpu`, 0.04048: a vCPU hour of Fargate on Linux and x86 (wring.co/blog/aws-fargate-pricing-guide, 10 March 2026; the list is
///   aws.amazon.com/fargate/pricing).
///
/// Whoever runs machines of their own sets `requests` and `connections` to 0.
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
