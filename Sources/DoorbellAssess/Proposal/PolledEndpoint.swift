public import DoorbellCore

/// A polled URL for which a feature is to be proposed.
public struct PolledEndpoint: Sendable {
    /// `/api/rooms/{room_id}/messages`.
    public var route: String
    /// Seconds between two polls of a client; `nil`: unknown.
    public var interval: Double?
    /// What the logs say of it, a line each.
    public var figures: [String] = []
    /// Parameters whose values are identifiers: `/api/events?user_id=7`.
    public var queryKeys: [String] = []
    /// Whether clients add something to each URL so that no browser keeps the answer.
    public var hasCacheBuster = false
    /// With a record of changes: whether the answers change when tables do.
    public var evidence: [QualifiedName: ChangeEvidence] = [:]

    public init(route: String, interval: Double? = nil) {
        self.route = route
        self.interval = interval
    }

    init(_ endpoint: EndpointAssessment) {
        let figures = endpoint.figures
        route = figures.route
        interval = figures.period
        self.figures = [
            "\(endpoint.verdict.advice.rawValue): \(endpoint.verdict.reasons.joined(separator: "; "))",
            "\(Format.count(figures.pollers)) pollers, \(Format.count(figures.polls)) polls, "
                + "\(Format.percent(figures.unchanged)) unchanged",
        ]
        hasCacheBuster = figures.query.contains { $0.name == "_" }
        queryKeys = figures.query.filter { $0.value == "{id}" }.map(\.name)
        evidence = endpoint.evidence
    }
}

extension PolledEndpoint {
    /// What a person named, with what the logs say of it, then what else the logs have.
    ///
    /// - Parameter routes: Such as `/api/rooms/{id}/messages`; their names of holes are kept.
    public static func all(named routes: [String], assessed: [PolledEndpoint]) -> [PolledEndpoint] {
        let named = routes.map { route in
            let shape = FeatureBuilder.shape(route)
            var endpoint = assessed.first { FeatureBuilder.shape($0.route) == shape } ?? PolledEndpoint(route: route)
            endpoint.route = route
            return endpoint
        }
        // The builder leaves out what stands twice.
        return named + assessed
    }
}

extension Assessment {
    /// Those that are worth moving, by GET, those that poll the most first.
    public var polledEndpoints: [PolledEndpoint] {
        endpoints.filter {
            $0.verdict.isWorthIt && $0.figures.method == "GET" && $0.figures.route.allSatisfy(\.isPlain)
        }
        .map { PolledEndpoint($0) }
    }
}

extension Character {
    /// Needs no quotes in YAML where it stands within a route, and cannot begin a comment.
    fileprivate var isPlain: Bool { isASCII && (isLetter || isNumber || "/{}_-.?=&%~@+,".contains(self)) }
}
