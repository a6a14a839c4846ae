/// What things cost, to make money of a ``Forecast``.
public struct ForecastPrices: Sendable {
    /// Of a million requests or messages.
    public var requests: Double
    /// Of a gigabyte (1,000,000,000 bytes) to clients.
    public var traffic: Double
    /// Of a million minutes of open connections.
    public var connections: Double
    /// Of an hour of one processor.
    public var cpu: Double
    public var currency: String

    public init(requests: Double, traffic: Double, connections: Double, cpu: Double, currency: String) {
        self.requests = requests
        self.traffic = traffic
        self.connections = connections
        self.cpu = cpu
        self.currency = currency
    }

    private static let month = 30 * 86_400.0

    /// Of 30 days like the log.
    func month(_ cost: Forecast.Cost) -> Double {
        Self.month
            * ((cost.requests + cost.messages) / 1e6 * requests + cost.bytes / 1e9 * traffic + cost.open / 60 / 1e6
                * connections
                + cost.processors / 3600 * cpu)
    }
}
