internal import DoorbellReport

/// What a forecast takes for granted, because a log does not say it. All of them are printed with it.
public struct Assumptions: Sendable {
    /// Bytes of an answer's head: logs count bodies.
    public var head = 300.0
    /// Bytes around a message: a frame of WebSocket and the envelope of Doorbell's protocol.
    public var envelope = 120.0
    /// Bytes around a server-sent event.
    public var event = 60.0
    /// Seconds between heartbeats, and how long a held poll waits.
    public var heartbeat = 25.0
    /// Bytes of one.
    public var heartbeatSize = 6.0
    /// Seconds after which a connection is opened anew.
    public var connectionLifetime = 3600.0
    /// Bytes of opening one.
    public var handshake = 700.0
    /// Processor seconds of the legacy API for an answer. `nil`: the log's own time of an answer, if it has one, as an upper bound, else 5 ms.
    public var requestCPU: Double?
    /// Processor seconds of a message pushed to one client, of opening a connection, and of a poll that Doorbell answers or holds.
    public var messageCPU = 10e-6
    public var connectCPU = 72e-6
    public var pollCPU = 9e-6

    /// `nil`: no money is shown.
    public var prices: ForecastPrices?

    public init() {}

    func requestCPU(of figures: EndpointFigures) -> Double { requestCPU ?? figures.answerTime ?? 0.005 }

    /// As sentences.
    public func texts(hasTimes: Bool) -> [String] {
        let cpu: String
        if let requestCPU {
            cpu = "the legacy API works \(Format.seconds(requestCPU)) for an answer (given)"
        } else if hasTimes {
            cpu =
                "the legacy API works for an answer as long as the log says it took: an upper bound (--request-cpu sets it)"
        } else {
            cpu = "the legacy API works 5 ms for an answer (--request-cpu sets it)"
        }
        let money = prices.map { prices in
            func price(_ amount: Double) -> String { "\(prices.currency) \(Figures.plain(amount, places: 5))" }
            return
                "prices: \(price(prices.requests)) a million requests or messages, \(price(prices.traffic)) a gigabyte to clients, "
                + "\(price(prices.connections)) a million minutes of open connections, \(price(prices.cpu)) a processor's hour; a month is 30 days "
                + "like the log"
        }
        return [
            "a change is an answer of another status or size than the one before: changes of equal size are not seen, and several between "
                + "two polls are one",
            "a message is as large as the whole answer: an upper bound, rows are smaller; rows come from the database, so the API is not asked for "
                + "them ('mode: answer' asks it once for a change and caller, 'signal' once for a change and client)",
            "the head of an answer is \(Format.number(head)) bytes, what is around a message \(Format.number(envelope)), around an event "
                + "\(Format.number(event))",
            "a heartbeat every \(Format.number(heartbeat)) s, a held poll waits as long, a connection is opened anew every hour",
            cpu,
            "Doorbell works 10 µs for a message to one client, 72 µs for a connection, 9 µs for a poll that it answers itself (its README's "
                + "figures, rounded up)",
            "connections: pollers in the busiest minute, by its requests and the median period",
        ] + (money.map { [$0] } ?? [])
    }
}
