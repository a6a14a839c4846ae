import DoorbellTesting

/// One server with one crowd of subscribers, from its start to its end. Everything of a visit is measured in the same
/// process, and visits to different servers are taken in turns.
struct FanOutVisit {
    /// How messages came to be delivered.
    struct Delivery {
        /// The server's, in microseconds a delivery.
        var processor: Double
        /// Milliseconds from publishing to having been read.
        var p50: Double
        var p99: Double
        /// Deliveries a second, from the first publishing to the last delivery.
        var rate: Double
        /// Deliveries that did not come.
        var missing: Int
    }

    let server: FanOutServer
    let load: FanOutLoadChild
    let count: Int
    /// KiB of user-space memory for each connection that stands idle.
    let memory: Double
    /// Connections a second, and microseconds of the server's processor time for each.
    let connecting: (rate: Double, processor: Double)

    /// Starts the server and connects everybody.
    init(_ kind: FanOutServer.Kind, count: Int, isPrivate: Bool = false, isSubscribing: Bool = true) throws {
        self.count = count
        server = try FanOutServer(kind)
        do {
            load = try FanOutLoadChild(server, isPrivate: isPrivate, isSubscribing: isSubscribing)
        } catch {
            server.stop()
            throw error
        }
        do {
            // What a first connection brings into being is not counted for each.
            _ = try load.connect(10)
            _ = try load.ask("run 0.3")
            let (memoryBefore, usedBefore) = (server.usage.residentMemory, server.usage.processorSeconds)
            let reply = try load.connect(count - 10)
            let used = server.usage.processorSeconds - usedBefore
            guard reply.open == count else {
                throw BenchFailure(
                    "\(kind.name): \(reply.open ?? 0) of \(count) connected, \(reply.refused ?? 0) refused, "
                        + "\(reply.failed ?? 0) failed")
            }
            connecting = (Double(count - 10) / (reply.seconds ?? .nan), used / Double(count - 10) * 1e6)
            _ = try load.ask("run 0.7")
            memory = (server.usage.residentMemory - memoryBefore) * 1024 / Double(count - 10)
        } catch {
            load.stop()
            server.stop()
            throw error
        }
    }

    /// - Parameter rate: Messages a second, each to everybody; 0 for as fast as possible.
    func publish(_ messages: Int, rate: Int, size: Int? = nil, readers: Int? = nil) throws -> Delivery {
        let seconds = rate > 0 ? Double(messages) / Double(rate) : 0
        return try deliver(messages * (readers ?? count), within: seconds + 30) {
            try server.publish(messages, rate: rate, size: size, by: load)
        }
    }

    /// - Parameter rate: Messages a second, each to one.
    func publishPrivately(_ messages: Int, rate: Int) throws -> Delivery {
        try deliver(messages, within: Double(messages) / Double(rate) + 20) {
            try server.publishPrivately(messages, rate: rate, channels: count)
        }
    }

    private func deliver(_ deliveries: Int, within seconds: Double, _ publish: () throws -> Void) throws -> Delivery {
        try load.ask("reset")
        let before = server.usage.processorSeconds
        try publish()
        let reply = try load.wait(for: deliveries, within: seconds)
        let used = server.usage.processorSeconds - before
        try server.finish()
        let received = reply.messages ?? 0
        return Delivery(
            processor: used / Double(max(1, received)) * 1e6, p50: reply.p50 ?? .nan, p99: reply.p99 ?? .nan,
            rate: Double(received) / (reply.seconds ?? .nan), missing: deliveries - received)
    }

    func end() {
        load.stop()
        server.stop()
    }
}
