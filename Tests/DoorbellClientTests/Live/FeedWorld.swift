import DoorbellCore

@testable import DoorbellClient

/// A program without a network: a clock that only moves when told, polls that are answered from a script, and a server that is the
/// test.
struct FeedWorld {
    struct Request {
        let feed: Int
        let id: Int
        /// In ms.
        let at: Int64
        let entityTag: String?
        var isOpen = true
    }

    struct Connection {
        var sent: [JSONValue] = []
        var isOpen = false
        /// Whether pings are left unanswered.
        var isStalled = false
        /// 1000 when the client has ended it.
        var closedWith: Int64?
    }

    var machine: OriginMachine
    var now = Duration.zero
    /// What polls are answered; `nil`: nothing.
    var reply: PollAnswer?
    var requests: [Request] = []
    var connections: [Connection] = []
    var told: [Int: [OriginMachine.News]] = [:]
    var statistics: [Int: FeedStatistics] = [:]
    /// The drifted fields that were told, each time those that were new.
    var fields: [Int: [String]] = [:]
    var tokens = (renewed: 0, discarded: 0)
    var tokenEnds: [Double] = []
    /// What happens in the world because of what was done, after it.
    private var queue: [OriginMachine.Event] = []

    init(renews: Bool = false) { machine = OriginMachine(renews: renews) { 0.5 } }

    mutating func begin(_ feed: Int, _ target: String, rows: RowList? = nil, options: FeedOptions = FeedOptions()) {
        let machine = FeedMachine(
            target: target, interval: .seconds(3), rows: rows, options: options, now: now, random: { 0.5 })
        handle(.begin(feed: feed, machine))
    }

    mutating func handle(_ event: OriginMachine.Event) {
        queue.append(event)
        while !queue.isEmpty {
            for effect in machine.handle(queue.removeFirst(), at: now) { perform(effect) }
            for feed in told.keys {
                guard let those = machine.statistics(of: feed) else { continue }
                fields[feed, default: []] += those.driftedFields.subtracting(statistics[feed]?.driftedFields ?? [])
                    .sorted()
                statistics[feed] = those
            }
        }
    }

    private mutating func perform(_ effect: OriginMachine.Effect) {
        switch effect {
        case .fetch(let feed, let id, let tag):
            requests.append(Request(feed: feed, id: id, at: now.milliseconds, entityTag: tag))
            guard let reply else { return }
            requests[requests.count - 1].isOpen = false
            queue.append(.feed(feed, .answer(request: id, reply)))
        case .abort(let feed, let id):
            for index in requests.indices where requests[index].feed == feed && requests[index].id == id {
                requests[index].isOpen = false
            }
        case .connect: connections.append(Connection())
        case .send(let message):
            connections[connections.count - 1].sent.append(message)
            guard message["type"] == "ping", !connections[connections.count - 1].isStalled else { return }
            queue.append(.connection(.received(["type": "pong"])))
        case .drop:
            if connections[connections.count - 1].closedWith == nil {
                connections[connections.count - 1].closedWith = 1000
            }
        case .renewToken: tokens.renewed += 1
        case .discardToken: tokens.discarded += 1
        case .tokenEnds(let time): tokenEnds.append(time)
        case .tell(let feed, let news): told[feed, default: []].append(news)
        }
    }

    /// Answers the oldest poll that waits.
    mutating func answer(_ answer: PollAnswer) {
        guard let index = requests.firstIndex(where: \.isOpen) else { return }
        requests[index].isOpen = false
        handle(.feed(requests[index].feed, .answer(request: requests[index].id, answer)))
    }

    /// Moves the clock, doing what falls due in order.
    mutating func pass(_ time: Duration) {
        let end = now + time
        while machine.wake <= end + .microseconds(1) {
            now = max(now, machine.wake)
            handle(.time)
        }
        now = max(now, end)
    }

    mutating func open() {
        connections[connections.count - 1].isOpen = true
        handle(.connection(.opened))
        say(["type": "welcome", "session": "s", "heartbeat": 25, "protocol": 1, "resumed": false])
    }

    mutating func say(_ message: JSONValue) { handle(.connection(.received(message))) }

    mutating func end(_ code: UInt16, _ reason: String = "") {
        connections[connections.count - 1].closedWith = -1
        handle(.connection(.closed(code: code, reason: reason)))
    }

    /// What was said on the last connection, without pings.
    var sent: [JSONValue] { connections.last?.sent.filter { $0["type"] != "ping" } ?? [] }

    func states(_ feed: Int = 1) -> [JSONValue] {
        (told[feed] ?? []).compactMap { news -> JSONValue? in
            if case .state(let state) = news { return state }
            return nil
        }
    }

    func changes(_ feed: Int = 1) -> [String?] {
        var positions: [String?] = []
        for case .change(let message) in told[feed] ?? [] { positions.append(message.position) }
        return positions
    }

    func messages(_ feed: Int = 1) -> [String?] {
        var positions: [String?] = []
        for case .message(let message) in told[feed] ?? [] { positions.append(message.position) }
        return positions
    }

    func status(_ feed: Int = 1) -> FeedStatus? {
        var last: FeedStatus?
        for case .status(let status) in told[feed] ?? [] { last = status }
        return last
    }
}

extension Duration {
    /// Rounded.
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1000 + (attoseconds + 500_000_000_000_000) / 1_000_000_000_000_000
    }
}
