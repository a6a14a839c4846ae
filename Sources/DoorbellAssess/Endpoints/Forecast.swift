/// What the polls of an endpoint cost now, and what they would by each way to tell clients. Arithmetic on a log and ``Assumptions``: estimates. Pure.
public struct Forecast: Sendable {
    public enum Way: String, Sendable, CaseIterable {
        case now = "polling, as it is"
        case conditional = "polling with ETags"
        case longPoll = "long-poll"
        case sse = "SSE"
        case push = "push"
    }

    public struct Cost: Sendable {
        /// Open at the same time, in the busiest minute; polling opens and closes them.
        public var connections = 0.0
        /// Open on average.
        public var open = 0.0
        /// HTTP requests a second, on average.
        public var requests = 0.0
        /// Of them, those that reach the legacy API.
        public var originRequests = 0.0
        /// Messages a second, one for each client.
        public var messages = 0.0
        /// Bytes a second to clients.
        public var bytes = 0.0
        /// Processors that are busy, of the legacy API and of Doorbell.
        public var processors = 0.0
        /// Until half of the clients know of a change.
        public var staleness: Double?

        static func + (a: Cost, b: Cost) -> Cost {
            var sum = a
            sum.connections += b.connections
            sum.open += b.open
            sum.requests += b.requests
            sum.originRequests += b.originRequests
            sum.messages += b.messages
            sum.bytes += b.bytes
            sum.processors += b.processors
            return sum
        }
    }

    public let costs: [(way: Way, cost: Cost)]

    public subscript(_ way: Way) -> Cost { costs.first { $0.way == way }?.cost ?? Cost() }

    public init(_ figures: EndpointFigures, _ assumptions: Assumptions) {
        let polls = Double(figures.polls) / figures.duration
        let changes = polls * (figures.compared > 0 ? 1 - figures.unchanged : 1)
        let body = figures.answerSize
        let watching = figures.period.map { polls * $0 } ?? figures.connections
        let opened = watching / assumptions.connectionLifetime
        let beats = watching / assumptions.heartbeat
        let origin = assumptions.requestCPU(of: figures)

        var now = Cost()
        now.requests = polls
        now.originRequests = polls
        now.bytes = Double(figures.pollBytes) / figures.duration + polls * assumptions.head
        now.processors = polls * origin
        now.staleness = figures.staleness

        var conditional = now
        conditional.bytes = polls * assumptions.head + changes * body

        var longPoll = Cost()
        longPoll.connections = figures.connections
        longPoll.open = watching
        longPoll.requests = changes + beats
        longPoll.originRequests = changes
        longPoll.messages = changes
        longPoll.bytes = longPoll.requests * assumptions.head + changes * body
        longPoll.processors = changes * origin + longPoll.requests * assumptions.pollCPU
        longPoll.staleness = 0

        var sse = Cost()
        sse.connections = figures.connections
        sse.open = watching
        sse.requests = opened
        sse.originRequests = opened
        sse.messages = changes
        sse.bytes =
            changes * (body + assumptions.event) + beats * assumptions.heartbeatSize + opened * assumptions.handshake
        sse.processors = opened * (origin + assumptions.connectCPU) + changes * assumptions.messageCPU
        sse.staleness = 0

        var push = sse
        push.bytes =
            changes * (body + assumptions.envelope) + beats * assumptions.heartbeatSize + opened * assumptions.handshake

        costs = [(.now, now), (.conditional, conditional), (.longPoll, longPoll), (.sse, sse), (.push, push)]
    }
}
