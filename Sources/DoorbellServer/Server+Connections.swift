import NIOCore

extension Server {
    /// The most that ``connections(limit:)`` gives.
    public static let maximumConnectionsShown = 1000

    /// The clients that are pushed to with the most bytes waiting.
    ///
    /// - Parameter limit: How many, 1 to ``maximumConnectionsShown``.
    public func connections(limit: Int) async -> ConnectionReport {
        let limit = min(max(1, limit), Self.maximumConnectionsShown)
        var pushed = 0
        var biggest = BiggestConnections(limit: limit)
        for loop in loops.values {
            let state = loop.state
            let eventLoop = loop.loop
            let part = eventLoop.flatSubmit {
                let streams = state.value.streams
                let count = streams.count
                return ConnectionCensus.take(of: streams, limit: limit, on: eventLoop).map { (count, $0) }
            }
            // A loop that has ended has no connections.
            guard let (count, infos) = try? await part.get() else { continue }
            pushed += count
            for info in infos { biggest.add(info) }
        }
        return ConnectionReport(open: openConnections, pushed: pushed, connections: biggest.inOrder)
    }
}
