internal import DoorbellCore

extension Assessment {
    /// A `doorbell.yaml` to begin with: a feature for each endpoint that is worth it. `nil` when none is.
    ///
    /// What a log cannot know is left as a comment: the tables. Until they are there, a feature's channel carries direct messages only, so the file
    /// is accepted by `doorbell check --offline` as it stands.
    public var startingConfiguration: String? {
        let chosen = endpoints.filter { $0.verdict.isWorthIt && $0.figures.method == "GET" }
        var names: Set<String> = []
        let features = chosen.compactMap { Self.feature($0, &names) }
        guard !features.isEmpty else { return nil }
        return """
            # Made by 'doorbell assess' from logs of \(begin.rfc3339) to \(end.rfc3339).
            # 1. Set database and upstream.
            # 2. Give each feature its tables: a log does not know which tables an endpoint reads.
            # 3. 'doorbell check' says what is missing, 'doorbell install --dry-run' what would be done to the database.

            database: ${DATABASE_URL:-postgresql://localhost/application}    # to be filled in
            listen: 0.0.0.0:8080
            upstream: http://127.0.0.1:3000    # the API that is polled now; to be filled in

            features:

            """ + features.joined(separator: "\n")
    }

    private static func feature(_ endpoint: EndpointAssessment, _ names: inout Set<String>) -> String? {
        let figures = endpoint.figures
        guard let pattern = try? PollPattern("GET \(figures.route)"), figures.route.allSatisfy(\.isPlain) else {
            return nil
        }
        let name = unused(figures.route, &names)
        let holes = pattern.names
        let channel = ([name] + holes.map { "{\($0)}" }).joined(separator: ":")
        let condition = holes.map { "{\($0)}" }.joined(separator: ":")
        var text = """
              # \(endpoint.verdict.advice.rawValue): \(endpoint.verdict.reasons.joined(separator: "; "))
              # \(Format.count(figures.pollers)) pollers, \(Format.count(figures.polls)) polls, \(Format.percent(figures.unchanged)) unchanged
              \(name):
                poll: GET \(figures.route)
                interval: \(interval(figures))    # what clients do today
                mode: signal    # clients are told that something changed and fetch it; 'rows' or 'answer' send it along
                channel: '\(channel)'
                # tables:    # to be filled in: the tables whose rows the answer is made of
                #   - name: public.\(String(name.map { $0 == "-" ? "_" : $0 }))
                #     channel: '\(name)\(condition.isEmpty ? "" : ":" + condition)'    # columns in braces
                stage: observe

            """
        if figures.query.contains(where: { $0.name == "_" }) {
            text += "    # clients add '_' to the URL against caches: with 'cache', say 'ignore: [_]'\n"
        }
        return text
    }

    /// At least 100 ms, at most a day: what the configuration takes.
    private static func interval(_ figures: EndpointFigures) -> String {
        let period = figures.period ?? 5
        if abs(period - period.rounded()) > period * 0.05 { return "\(max(100, Int((period * 10).rounded()) * 100))ms" }
        return "\(min(86_400, Int(period.rounded())))s"
    }

    /// The last words of the route.
    private static func unused(_ route: String, _ names: inout Set<String>) -> String {
        let words = route.split(whereSeparator: { "/?=&.".contains($0) }).filter { !$0.hasPrefix("{") }.map { word in
            String(word.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        }
        // Neither '-' nor '7' nor what YAML takes for something else.
        var candidate = words.last.map { $0.contains(where: \.isLetter) ? $0 : "poll" + $0 } ?? "poll"
        var used = 1
        while used < words.count, names.contains(candidate) {
            used += 1
            candidate = words.suffix(used).joined(separator: "-")
        }
        candidate = String(candidate.drop { $0 == "-" }.prefix(50))
        if ["true", "false", "null", "yes", "no", "on", "off"].contains(candidate) { candidate = "poll-" + candidate }
        let base = candidate
        var number = 2
        while !names.insert(candidate).inserted {
            candidate = "\(base)-\(number)"
            number += 1
        }
        return candidate
    }
}

extension Character {
    /// Needs no quotes in YAML where it stands within a route, and cannot begin a comment.
    fileprivate var isPlain: Bool { isASCII && (isLetter || isNumber || "/{}_-.?=&%~@+,".contains(self)) }
}
