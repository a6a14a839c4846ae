/// Makes an access log of a web application in the combined format, with known truth: who polls, who clicks, crawls, reloads and scans, and who
/// sits behind one address with others. The same seed makes the same log.
public struct AccessLogGenerator: Sendable {
    public struct Mix: Sendable {
        public var pollers = 400
        /// Addresses behind which several clients poll one URL.
        public var shared = 20
        public var clickers = 300
        public var crawlers = 10
        public var reloaders = 100
        public var bursts = 60
        public var uploads = 40
        public var scanners = 5

        public init() {}

        /// The same proportions with more of everybody.
        public func scaled(_ factor: Int) -> Mix {
            var mix = self
            mix.pollers *= factor
            mix.shared *= factor
            mix.clickers *= factor
            mix.crawlers *= factor
            mix.reloaders *= factor
            mix.bursts *= factor
            mix.uploads *= factor
            mix.scanners *= factor
            return mix
        }
    }

    /// Seconds since 1970.
    public let begin: Int
    /// Seconds.
    public let duration: Double
    public private(set) var actors: [LogActor] = []
    private var random: LogRandom

    static let browsers = [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    ]

    public init(seed: UInt64 = 1, begin: Int = 1_780_000_000, duration: Double = 7200, mix: Mix = Mix()) {
        self.begin = begin
        self.duration = duration
        random = LogRandom(seed)
        for index in 0..<mix.pollers { addPoller(index) }
        for index in 0..<mix.shared { addShared(index) }
        for index in 0..<mix.clickers { add(.click(mean: 8 + 30 * random.unit()), "/", index) }
        for index in 0..<mix.crawlers {
            add(
                .crawl(delay: 1 + 4 * random.unit()), "/products/", index,
                agent: "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://example.com/bot)")
        }
        for index in 0..<mix.reloaders {
            add(.reload(mean: 10 + 60 * random.unit()), ["/dashboard", "/api/me", "/api/reports/7"][index % 3], index)
        }
        for index in 0..<mix.bursts { add(.burst(mean: 60 + 120 * random.unit()), "/api/settings", index) }
        for index in 0..<mix.uploads { add(.upload(mean: 40), "/api/files", index) }
        for index in 0..<mix.scanners { add(.scan(mean: 3), "/", index, agent: "zgrab/0.x") }
    }

    private mutating func address() -> String {
        "\(10 + random.next() % 200).\(random.next() % 256).\(random.next() % 256).\(1 + random.next() % 254)"
    }

    private mutating func stay() -> (Double, Double) {
        // Most come in the first half and stay for at least a fifth of the log.
        let arrival = random.unit() * duration * 0.5
        return (arrival, min(duration, arrival + duration * (0.2 + 0.6 * random.unit())))
    }

    private mutating func add(
        _ habit: LogActor.Habit, _ target: String, _ index: Int, agent: String? = nil, address: String? = nil,
        change: Double = 0.1
    ) {
        let (arrival, departure) = stay()
        actors.append(
            LogActor(
                habit: habit, address: address ?? self.address(),
                agent: agent ?? Self.browsers[index % Self.browsers.count],
                target: target, arrival: arrival, departure: departure, change: change))
    }

    private mutating func addPoller(_ index: Int) {
        let period = [2.0, 3, 5, 5, 10, 15, 30][index % 7]
        let jitter = [0.01, 0.05, 0.1, 0.2][index / 7 % 4]
        let habit = LogActor.Habit.poll(
            period: period, jitter: jitter, throttled: index % 3 == 1, pauses: index % 4 == 2)
        let user = 1000 + index
        let target =
            switch index % 6 {
            case 0: "/api/users/\(user)/notifications"
            case 1: "/api/orders/\(Self.uuid(&random))/status"
            case 2: "/api/messages?since=#"
            case 3: "/api/jobs/\(random.next() % 1_000_000)?_=#"
            case 4: "/api/v1/boards/\(user % 40)/cards?format=json"
            default: "/api/prices"
            }
        let change = [0.02, 0.3, 0.1, 0.05, 0.5, 0.001][index % 6]
        add(habit, target, index, change: change)
    }

    /// Several clients of one office: each with a timer of its own.
    private mutating func addShared(_ index: Int) {
        let count = 2 + index % 3
        let address = address()
        let agent = Self.browsers[index % Self.browsers.count]
        let period = [10.0, 15, 20, 30][index % 4]
        let (arrival, departure) = stay()
        for _ in 0..<count {
            var actor = LogActor(
                habit: .poll(period: period, jitter: 0.01, throttled: false, pauses: false), address: address,
                agent: agent,
                target: "/api/news", arrival: arrival + random.unit() * period, departure: departure, change: 0.05)
            actor.sharers = count
            actors.append(actor)
        }
    }

    static func uuid(_ random: inout LogRandom) -> String {
        let digits = Array(String(random.next() | 1 << 63, radix: 16) + String(random.next() | 1 << 63, radix: 16))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(digits[$0]) }.joined(separator: "-")
    }

    /// Makes the log.
    ///
    /// - Parameters:
    ///   - milliseconds: Times with milliseconds (RFC 3339) instead of Apache's whole seconds.
    ///   - emit: Called with each line, with its line feed, in the order of time, and the index of who it is by.
    public func run(milliseconds: Bool = false, _ emit: (_ line: borrowing [UInt8], _ actor: Int) -> Void) {
        var play = LogPlay(actors: actors, begin: begin, duration: duration, milliseconds: milliseconds)
        play.run(emit)
    }
}
