/// What to do with an endpoint, by which rule, and why. Pure.
public struct Verdict: Sendable, Equatable {
    public enum Advice: String, Sendable, CaseIterable {
        case push = "push"
        case sse = "SSE"
        case longPoll = "long-poll"
        case conditionalPoll = "conditional poll"
        case slowerPolling = "slower polling"
        case leaveAlone = "leave alone"
    }

    public let advice: Advice
    /// The rule that decided, as a short name that does not change.
    public let rule: String
    public let reasons: [String]

    /// Whether doorbell.yaml should have it.
    public var isWorthIt: Bool { [.push, .sse, .longPoll].contains(advice) }

    /// Looks at the rules one after the other; the first that applies decides.
    public init(_ figures: EndpointFigures) {
        let rules: [(EndpointFigures) -> Verdict?] = [
            Self.noRoute, Self.file, Self.write, Self.monitoring, Self.transfer, Self.oneOff, Self.failing,
            Self.fewPolls, Self.slow,
            Self.cacheable, Self.programs, Self.rare,
        ]
        for rule in rules {
            if let verdict = rule(figures) {
                self = verdict
                return
            }
        }
        self = Self.frequent(figures)
    }

    private init(_ advice: Advice, _ rule: String, _ reasons: String...) {
        self.advice = advice
        self.rule = rule
        self.reasons = reasons
    }

    private static func noRoute(_ figures: EndpointFigures) -> Verdict? {
        switch figures.kind {
        case .notFound: Verdict(.leaveAlone, "not-found", "nothing is there: answers are 4xx")
        case .others: Verdict(.leaveAlone, "too-many-routes", "there were more routes than are told apart")
        default: nil
        }
    }

    private static func file(_ figures: EndpointFigures) -> Verdict? {
        switch figures.kind {
        case .file: Verdict(.leaveAlone, "file", "files belong into caches")
        case .playlist: Verdict(.leaveAlone, "playlist", "players fetch playlists at their own pace")
        default: nil
        }
    }

    private static func write(_ figures: EndpointFigures) -> Verdict? {
        guard figures.method != "GET", figures.method != "HEAD" else { return nil }
        guard figures.pollers > 0, figures.pollShare >= 0.5 else {
            return Verdict(.leaveAlone, "write", "\(figures.method) changes something, or uploads it")
        }
        return Verdict(
            .leaveAlone, "write",
            "\(figures.method) is sent regularly by \(figures.pollers) clients, every \(Format.seconds(figures.period)): "
                + "if it only reads, give it a GET and look again")
    }

    private static func monitoring(_ figures: EndpointFigures) -> Verdict? {
        let words = [
            "health", "healthz", "healthcheck", "livez", "readyz", "ready", "live", "ping", "metrics", "heartbeat",
        ]
        let last = figures.route.split(separator: "/").last.map { $0.lowercased() } ?? ""
        guard figures.polls > 0, figures.monitors * 2 > figures.pollers || words.contains(last) else { return nil }
        return Verdict(.leaveAlone, "monitoring", "it is asked whether it answers, not what is new")
    }

    private static func transfer(_ figures: EndpointFigures) -> Verdict? {
        guard figures.partial * 2 > figures.requests else { return nil }
        return Verdict(
            .leaveAlone, "transfer",
            "\(Format.percent(figures.partial, of: figures.requests)) of the answers are parts of files")
    }

    private static func oneOff(_ figures: EndpointFigures) -> Verdict? {
        if figures.pollers == 0, figures.crowds == 0 {
            return Verdict(.leaveAlone, "one-off", "nobody polls it: clients ask when somebody does something")
        }
        guard figures.pollShare < 0.2 else { return nil }
        return Verdict(
            .leaveAlone, "one-off",
            "\(Format.percent(figures.pollShare)) of its requests are polls, the others come when somebody does something"
        )
    }

    private static func failing(_ figures: EndpointFigures) -> Verdict? {
        guard (figures.clientErrors + figures.serverErrors) * 2 > figures.requests else { return nil }
        return Verdict(
            .leaveAlone, "failing",
            "\(Format.percent(figures.clientErrors + figures.serverErrors, of: figures.requests)) of the answers are errors: "
                + "clients that poll it should be stopped first")
    }

    private static func fewPolls(_ figures: EndpointFigures) -> Verdict? {
        guard figures.polls < 30 else { return nil }
        return Verdict(.leaveAlone, "too-little", "\(figures.polls) polls are too few to judge by: give a longer log")
    }

    private static func slow(_ figures: EndpointFigures) -> Verdict? {
        guard let period = figures.period, period > 60.5 else { return nil }
        if figures.unchanged >= 0.5, figures.notModifiedPolls * 10 < figures.polls, figures.answerSize > 2048 {
            return Verdict(
                .conditionalPoll, "fewer-than-one-a-minute",
                "a client polls every \(Format.seconds(period)), less than once a minute",
                "\(Format.percent(figures.unchanged)) of the answers are the same as before: an ETag saves their bodies"
            )
        }
        return Verdict(
            .leaveAlone, "fewer-than-one-a-minute",
            "a client polls every \(Format.seconds(period)), less than once a minute: a connection would cost more than it saves"
        )
    }

    /// The same for many, and hardly ever new.
    private static func cacheable(_ figures: EndpointFigures) -> Verdict? {
        guard figures.compared >= 100, figures.unchanged >= 0.999, figures.fanIn >= 20 else { return nil }
        return Verdict(
            .leaveAlone, "cacheable",
            "\(Format.percent(figures.unchanged)) of the polls brought nothing new, and \(Format.number(figures.fanIn)) clients share a URL: "
                + "a cache (Cache-Control: max-age) answers them")
    }

    private static func programs(_ figures: EndpointFigures) -> Verdict? {
        let programs = figures.agents.filter { ["programs", "no agent"].contains($0.kind) }.reduce(0) { $0 + $1.share }
        guard programs >= 0.8 else { return nil }
        return Verdict(
            .longPoll, "programs", reason(figures),
            "\(Format.percent(programs)) of its requests are made by programs: any HTTP client can wait for an answer")
    }

    private static func rare(_ figures: EndpointFigures) -> Verdict? {
        guard figures.compared >= 30, figures.changesPerHour < 6, figures.unchanged >= 0.95 else { return nil }
        let changes = "a client sees \(Format.number(figures.changesPerHour)) changes an hour"
        if let period = figures.period, period >= 20, figures.changesPerHour < 1 {
            return Verdict(
                .slowerPolling, "rare-changes",
                "\(changes), and polls every \(Format.seconds(period)): poll less often, or conditionally")
        }
        return Verdict(
            .sse, "rare-changes", reason(figures),
            "\(changes), \(Format.percent(figures.unchanged)) of its polls bring nothing: "
                + "an event stream is enough, slower polling would do, too")
    }

    private static func frequent(_ figures: EndpointFigures) -> Verdict {
        Verdict(
            .push, "more-than-one-a-minute", reason(figures),
            "\(Format.percent(figures.unchanged)) of the polls bring nothing new, a change waits \(Format.seconds(figures.staleness)) for its poll"
        )
    }

    private static func reason(_ figures: EndpointFigures) -> String {
        guard figures.period != nil else {
            return "requests come at an even rate from addresses that many clients share"
        }
        return "a client polls \(Format.number(figures.pollsPerMinute)) times a minute"
    }
}
