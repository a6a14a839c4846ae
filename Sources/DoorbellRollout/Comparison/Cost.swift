/// Money, by what it is for; an estimate, as good as the prices.
public struct Cost: Sendable, Hashable {
    public var requests = 0.0
    public var traffic = 0.0
    public var connections = 0.0
    public var cpu = 0.0

    public var total: Double { requests + traffic + connections + cpu }

    static func * (cost: Cost, factor: Double) -> Cost {
        Cost(
            requests: cost.requests * factor, traffic: cost.traffic * factor, connections: cost.connections * factor,
            cpu: cost.cpu * factor)
    }

    static func + (a: Cost, b: Cost) -> Cost {
        Cost(
            requests: a.requests + b.requests, traffic: a.traffic + b.traffic,
            connections: a.connections + b.connections,
            cpu: a.cpu + b.cpu)
    }
}
