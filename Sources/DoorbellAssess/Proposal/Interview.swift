public import DoorbellCore

/// Somebody who can be asked: a terminal, or a test.
public protocol Asking {
    /// - Returns: The answer without its line break; `nil` at the end of the input.
    mutating func ask(_ question: String) -> String?
    mutating func say(_ text: String)
}

/// Lets a person decide on a proposal. Pure but for the one who is asked.
public struct Interview<Person: Asking> {
    public private(set) var person: Person

    public init(_ person: Person) { self.person = person }

    /// - Parameters:
    ///   - standard: What Return means; `nil`: it is asked again.
    ///   - refusal: What is wrong with an answer; `nil`: nothing.
    /// - Throws: ``DoorbellError`` when the input ends.
    public mutating func text(
        _ question: String, default standard: String?, refusal: (String) -> String? = { _ in nil }
    ) throws(DoorbellError) -> String {
        while true {
            let answer = try answer(standard.map { "\(question) [\($0)]: " } ?? "\(question): ")
            guard !answer.isEmpty || standard != nil else { continue }
            let text = answer.isEmpty ? standard ?? "" : answer
            guard let reason = refusal(text) else { return text }
            person.say(reason)
        }
    }

    /// - Throws: ``DoorbellError`` when the input ends.
    public mutating func yes(_ question: String, default standard: Bool) throws(DoorbellError) -> Bool {
        while true {
            let answer = try answer("\(question) [\(standard ? "Y/n" : "y/N")] ").lowercased()
            switch answer {
            case "": return standard
            case "y", "yes": return true
            case "n", "no": return false
            default: person.say("y or n?")
            }
        }
    }

    /// Asks about each feature; `a` takes the rest, `q` ends it.
    ///
    /// - Throws: ``DoorbellError`` when the input ends, or nothing was taken.
    public mutating func choose(_ proposal: Proposal) throws(DoorbellError) -> Proposal {
        var taken: [ProposedFeature] = []
        var takesAll = false
        for (index, feature) in proposal.features.enumerated() {
            if !takesAll {
                person.say("\n\(index + 1) of \(proposal.features.count): \(Self.summary(feature))")
                switch try choice() {
                case .yes: break
                case .no: continue
                case .rest: takesAll = true
                }
            }
            taken.append(feature)
        }
        guard !taken.isEmpty else { throw Self.stopped("no feature was taken") }
        var proposal = proposal
        proposal.features = taken
        return proposal
    }

    private enum Choice { case yes, no, rest }

    private mutating func choice() throws(DoorbellError) -> Choice {
        while true {
            switch try answer("  take it? [Y]es, [n]o, [a]ll the rest, [q]uit: ").lowercased() {
            case "", "y", "yes": return .yes
            case "n", "no": return .no
            case "a", "all": return .rest
            case "q", "quit": throw Self.stopped("stopped")
            default: person.say("  y, n, a or q?")
            }
        }
    }

    private mutating func answer(_ question: String) throws(DoorbellError) -> String {
        guard let answer = person.ask(question) else { throw Self.stopped("the input has ended") }
        let begin = answer.drop(while: \.isWhitespace)
        return String(begin.reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func stopped(_ what: String) -> DoorbellError {
        DoorbellError(.usage, "\(what); nothing was written")
    }

    static func summary(_ feature: ProposedFeature) -> String {
        var lines = ["\(feature.name): \(feature.poll)"]
        lines += feature.figures.prefix(1).map { "  \($0)" }
        for table in feature.tables {
            let channel =
                switch table.channel {
                case .template(let text): text
                case .query: "a query"
                }
            lines.append("  \(table.name) on \(channel) (\(table.reasons.joined(separator: "; ")))")
            lines += table.warnings.map { "    warning: \($0)" }
        }
        if feature.tables.isEmpty { lines.append("  no table was found: to be filled in") }
        if feature.confidence == .low { lines.append("  found: \(feature.basis)") }
        lines += feature.hints.map { "  note: \($0)" }
        return lines.map(YAMLText.comment).joined(separator: "\n")
    }
}
