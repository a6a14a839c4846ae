internal import DoorbellCore

/// Makes one feature after the other; names and channels are unlike those before. Pure.
struct FeatureBuilder {
    /// A table whose columns fill the holes of a path.
    struct Binding {
        let table: TableDescription
        /// By the hole.
        var columns: [String: String] = [:]
        var reasons: [String] = []
        /// Why a hole stays empty.
        var problem: String?

        var isWhole: Bool { problem == nil }
    }

    /// Of a table that no name points to.
    private static let evidenceScore = 80
    /// Of a table that the whole path is named like, whose columns fill its holes, and that changes when the answer does.
    private static let sureScore = 125

    /// What URLs call whoever asks.
    private static let selves: Set<String> = ["me", "my", "mine", "self", "myself"]

    let tables: [(table: TableDescription, words: [String])]
    private let isConnected: Bool
    private var names: Set<String> = []
    private var shapes: Set<String> = []
    private var templates: [ChannelTemplate] = []

    init(_ database: DatabaseDescription?) {
        isConnected = database != nil
        tables = (database?.tables ?? []).map { ($0, Word.split($0.name.name)) }
    }

    /// `nil` for a route that the configuration cannot have, or has already.
    mutating func feature(_ endpoint: PolledEndpoint) -> ProposedFeature? {
        var path = ResourcePath(endpoint.route)
        guard (try? PollPattern("GET \(endpoint.route)")) != nil, shapes.insert(Self.shape(endpoint.route)).inserted
        else { return nil }
        let name = FeatureName.unused(endpoint.route, &names)
        var feature = ProposedFeature(
            name: name, poll: "GET \(endpoint.route)", interval: endpoint.interval, figures: endpoint.figures,
            modeReason: "clients are told that something changed and fetch it; 'rows' or 'answer' send it along")
        var chosen = choose(path, endpoint, &feature)
        if !path.filters.isEmpty, chosen.first?.binding.isWhole != true {
            // A parameter that is no column chooses what is shown, not which rows.
            path.filters = []
            feature.hints = []
            chosen = choose(path, endpoint, &feature)
        }
        let holes = path.all.flatMap(\.holes)
        let renamed = Self.renamed(holes, chosen.first)
        feature.poll = "GET " + Self.replace(holes, by: renamed, in: endpoint.route)
        guard let template = unused(path, renamed, name: name) else { return nil }
        add(chosen, template: template, path, renamed, endpoint, &feature)
        // Of itself the template says what a table's template does not.
        if !feature.tables.contains(where: { $0.channel == .template(template.source) }) {
            feature.channel = template.source
        }
        filter(endpoint, chosen.first?.binding, template: template, &feature)
        judge(endpoint, score: chosen.isEmpty ? 0 : chosen[0].score, &feature)
        if let word = path.steps.first(where: { Self.selves.contains($0.literal.lowercased()) })?.literal {
            feature.hints.append(
                "'\(word)' is another for each caller, and the channel is one for all: each change wakes everybody, "
                    + "unless the URL says who it is")
        }
        if endpoint.hasCacheBuster {
            feature.hints.append("clients add '_' to the URL against caches: with 'cache', say 'ignore: [_]'")
        }
        return feature
    }

    // MARK: Tables

    private typealias Choice = (binding: Binding, score: Int, reason: String)

    /// The tables of a feature, the one that it is named for first.
    private func choose(_ path: ResourcePath, _ endpoint: PolledEndpoint, _ feature: inout ProposedFeature) -> [Choice]
    {
        guard isConnected else { return [] }
        var candidates: [Choice] = []
        for match in TableMatch.all(path, tables) {
            for table in captured(match.table, &feature) {
                let binding = bind(table, path, step: match.step)
                var score = match.score + (binding.isWhole ? 10 : 0)
                switch endpoint.evidence[table.name]?.verdict {
                case .supports: score += 20
                case .contradicts: score -= 30
                default: break
                }
                let reason =
                    table.name == match.table.name
                    ? match.reason : "read by the view \(match.table.name.name), \(match.reason)"
                candidates.append((binding, score, reason))
            }
        }
        candidates = candidates.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
            .map(\.element)
        guard let best = candidates.first else {
            let chosen = byEvidence(path, endpoint, except: [], &feature)
            if chosen.isEmpty { feature.hints += relatives(path) }
            return chosen
        }
        let rivals = candidates.dropFirst().filter { $0.score == best.score && $0.reason == best.reason }
        if best.score < 80, !rivals.isEmpty {
            let all = ([best] + rivals).prefix(5).map { $0.binding.table.name.description }
            feature.hints.append("several tables could be meant: \(all.joined(separator: ", "))")
            return byEvidence(path, endpoint, except: [], &feature)
        }
        var chosen = [best]
        // All tables that a view reads make its answer.
        if best.reason.hasPrefix("read by the view") {
            chosen += rivals.filter { $0.binding.isWhole }
        } else if let hint = namesakes(best.binding.table, rivals.map(\.binding.table), path) {
            feature.hints.append(hint)
        }
        return chosen + byEvidence(path, endpoint, except: Set(chosen.map(\.binding.table.name)), &feature)
    }

    /// Tables of the same name in other schemas, when nothing but the schema decided.
    private func namesakes(
        _ table: TableDescription, _ rivals: [TableDescription], _ path: ResourcePath
    ) -> String? {
        let others = rivals.map(\.name).filter { $0.name == table.name.name && $0 != table.name }
        guard !others.isEmpty, Set(path.steps.flatMap(\.words)).isDisjoint(with: Word.split(table.name.schema)) else {
            return nil
        }
        return "named the same: \(others.prefix(5).map(\.description).joined(separator: ", "))"
    }

    /// What may be meant where no table is named like the end of the path.
    private func relatives(_ path: ResourcePath) -> [String] {
        guard let end = path.steps.last?.words, !end.isEmpty else { return [] }
        let alike = tables.filter { $0.words.count > end.count && $0.words.starts(with: end) }
        let names = alike.prefix(5).map(\.table.name.description).joined(separator: ", ")
        return (alike.isEmpty ? [] : ["no table is named like the end of the path; these begin so: \(names)"])
            + (children(path).map { [$0] } ?? [])
    }

    /// `/users/{id}/unread`: whatever it is made of, it probably refers to users.
    private func children(_ path: ResourcePath) -> String? {
        guard path.steps.count > 1, let parent = path.steps.dropLast().last?.words, !parent.isEmpty else { return nil }
        // auth_user, where nothing is called users.
        let alike = tables.filter { $0.words.suffix(parent.count).elementsEqual(parent) }
        guard let table = alike.first(where: { $0.words == parent })?.table ?? (alike.count == 1 ? alike[0].table : nil)
        else { return nil }
        let children = tables.filter { other in other.table.references.contains { $0.table == table.name } }
        guard !children.isEmpty else { return nil }
        let names = children.prefix(5).map(\.table.name.description).joined(separator: ", ")
        return "no table is named like the end of the path; these refer to \(table.name.name): \(names)"
    }

    /// Tables that changed when answers did, at most five.
    private func byEvidence(
        _ path: ResourcePath, _ endpoint: PolledEndpoint, except taken: Set<QualifiedName>,
        _ feature: inout ProposedFeature
    ) -> [Choice] {
        let supported = endpoint.evidence.filter { $0.value.verdict == .supports && !taken.contains($0.key) }
            .sorted { ($1.value.coverage, $0.key.description) < ($0.value.coverage, $1.key.description) }
        var chosen: [Choice] = []
        for (name, evidence) in supported.prefix(5) {
            guard let table = tables.first(where: { $0.table.name == name })?.table, !table.isView,
                TableFacts.isNameable(name)
            else { continue }
            let binding = bind(table, path, step: nil)
            if binding.isWhole {
                chosen.append((binding, Self.evidenceScore, "it changes when the answer does"))
            } else {
                feature.hints.append(
                    "\(name) changes when the answer does (\(evidence.text)), but \(binding.problem ?? "")")
            }
        }
        return chosen
    }

    /// What triggers can be put on: the table, or the tables behind a view.
    private func captured(_ table: TableDescription, _ feature: inout ProposedFeature) -> [TableDescription] {
        let all: [TableDescription]
        switch table.kind {
        case .table, .partitioned: all = [table]
        case .foreign:
            feature.hints.append("\(table.name) is a foreign table: triggers do not see what changes at its own server")
            return []
        case .materialized:
            feature.hints.append(Self.stale(table))
            return []
        case .view:
            let sources = table.sources.compactMap { name in tables.first { $0.table.name == name }?.table }
            feature.hints += sources.filter { $0.kind == .materialized }.map(Self.stale)
            all = sources.filter { $0.kind != .materialized }
        }
        for table in all where !TableFacts.isNameable(table.name) {
            feature.hints.append("\(table.name) cannot be named in a configuration: its name has a dot or quotes in it")
        }
        return all.filter { TableFacts.isNameable($0.name) }
    }

    private static func stale(_ table: TableDescription) -> String {
        "\(table.name) is a materialized view, which changes when it is refreshed, and no trigger sees that: "
            + "tell of it behind each REFRESH, by doorbell.publish"
    }

    func bind(_ table: TableDescription, _ path: ResourcePath, step: Int?) -> Binding {
        let finder = HoleFinder(path: path)
        var binding = Binding(table: table)
        for (place, one) in path.all.enumerated() {
            for hole in one.holes {
                switch finder.column(of: table, for: hole, at: place, table: step) {
                case .found(let column, let reason):
                    if column.contains(where: { "{}".contains($0) }) || binding.columns.values.contains(column) {
                        binding.problem = binding.problem ?? Self.missing(hole, of: table)
                    }
                    binding.columns[hole] = column
                    if let reason { binding.reasons.append(reason) }
                case .several(let columns):
                    binding.problem =
                        binding.problem
                        ?? "several columns of it could be {\(hole)}: \(columns.joined(separator: ", "))"
                case .none: binding.problem = binding.problem ?? Self.missing(hole, of: table)
                }
            }
        }
        return binding
    }

    private static func missing(_ hole: String, of table: TableDescription) -> String {
        let names = table.columns.prefix(8).map(\.name) + (table.columns.count > 8 ? ["…"] : [])
        return "no column of it is {\(hole)}" + (names.isEmpty ? "" : "; it has \(names.joined(separator: ", "))")
    }

    private func add(
        _ chosen: [Choice], template: ChannelTemplate, _ path: ResourcePath, _ renamed: [String],
        _ endpoint: PolledEndpoint,
        _ feature: inout ProposedFeature
    ) {
        let holes = path.all.flatMap(\.holes)
        for choice in chosen {
            let table = choice.binding.table
            var entry = ProposedFeature.Table(name: table.name, channel: .template(template.source))
            entry.reasons = [choice.reason] + choice.binding.reasons
            if let evidence = endpoint.evidence[table.name], evidence.verdict != .undecided {
                entry.reasons.append(evidence.text)
            }
            entry.facts = TableFacts.text(table)
            entry.warnings = TableFacts.warnings(table)
            if choice.binding.isWhole {
                let columns = holes.map { choice.binding.columns[$0] ?? $0 }
                entry.channel = .template(Self.replace(renamed, by: columns, in: template.source))
                feature.tables.append(entry)
            } else if let hop = TableHop(choice.binding.table, path, template: template, in: self) {
                entry.channel = .query(hop.query)
                entry.reasons.append(hop.reason)
                feature.tables.append(entry)
                if let link = hop.link {
                    var other = ProposedFeature.Table(
                        name: link.table.name,
                        channel: .template(Self.replace(renamed, by: [link.column], in: template.source)))
                    other.reasons = ["says which belong to whom"]
                    other.facts = TableFacts.text(link.table)
                    other.warnings = TableFacts.warnings(link.table)
                    feature.tables.append(other)
                }
            } else {
                feature.hints.append("\(table.name): \(choice.reason), but \(choice.binding.problem ?? "")")
            }
        }
    }

    /// `/events?user_id=7`: who asks for the rows of one user need not be told of all others'.
    private func filter(
        _ endpoint: PolledEndpoint, _ binding: Binding?, template: ChannelTemplate, _ feature: inout ProposedFeature
    ) {
        guard let binding, binding.isWhole, !endpoint.route.contains("?") else { return }
        for key in endpoint.queryKeys {
            let words = Word.split(key)
            guard !words.isEmpty, !template.names.contains(where: { Word.split($0) == words }),
                let column = binding.table.columns.first(where: {
                    [words, words + ["id"]].contains(Word.split($0.name))
                })?.name, YAMLText.isName(column), YAMLText.isName(key)
            else { continue }
            feature.hints.append(
                "clients ask with '?\(key)=': if all of them do, 'poll: \(feature.poll)?\(key)={\(column)}' and "
                    + "'channel: \(template.source):{\(column)}' tell each of its own rows only")
        }
    }

    // MARK: Judging

    private func judge(_ endpoint: PolledEndpoint, score: Int, _ feature: inout ProposedFeature) {
        guard let first = feature.tables.first, let table = tables.first(where: { $0.table.name == first.name })?.table
        else { return }
        let evidence = endpoint.evidence[first.name]
        switch evidence?.verdict {
        case .supports:
            feature.confidence = .high
            feature.basis =
                score == Self.evidenceScore ? "by when they change" : "by their names, and by when they change"
        case .contradicts:
            feature.confidence = .low
            feature.basis = "by their names, but the answers change without them: something is missing here"
        case .undecided:
            feature.confidence = score >= 95 ? .medium : .low
            feature.basis = "by their names; too few recorded changes to tell whether it is so"
        case nil:
            feature.confidence = score >= 95 ? .high : score >= 70 ? .medium : .low
            feature.basis =
                score >= 70
                ? "by their names only: no record of changes was compared with the answers"
                : "a guess, by names that are only alike: no record of changes was compared with the answers"
        }
        setMode(table, evidence, score: score, &feature)
        let taken = Set(feature.tables.map(\.name))
        let children = tables.filter { other in
            other.table.references.contains { $0.table == table.name } && !taken.contains(other.table.name)
        }.prefix(5).map(\.table.name.name)
        let parents = table.references.map(\.table).filter { !taken.contains($0) && $0 != table.name }.map(\.name)
        let related = (children + parents).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        if !related.isEmpty {
            feature.hints.append(
                "does the answer show anything of \(related.prefix(8).joined(separator: ", "))? Then it belongs to the tables, too"
            )
        }
    }

    /// Signals, unless a record of changes shows that one table's rows are all that the answer is made of.
    private func setMode(
        _ table: TableDescription, _ evidence: ChangeEvidence?, score: Int, _ feature: inout ProposedFeature
    ) {
        guard feature.tables.count == 1, case .template = feature.tables[0].channel, score >= Self.sureScore,
            !table.key.isEmpty,
            evidence?.isExclusive == true
        else {
            feature.modeReason =
                "clients fetch the answer again. 'rows' sends the rows along: when they are all that it is made of"
            return
        }
        let columns = table.columns.map(\.name)
        feature.columns = columns.filter { !TableFacts.isSecret($0) }
        guard !feature.columns.isEmpty else { return }
        feature.mode = .rows
        feature.modeReason = "no answer changed without this table. If it shows more than rows, say 'signal'"
        let secret = columns.filter(TableFacts.isSecret)
        feature.hints.append(
            "versions: take out what the answer does not show"
                + (secret.isEmpty ? "" : "; \(secret.joined(separator: ", ")) are left out already"))
    }

    // MARK: Names

    /// The poll with its names left out.
    static func shape(_ route: String) -> String {
        var shape = ""
        var isInside = false
        for character in route {
            if character == "}" { isInside = false }
            if !isInside { shape.append(character) }
            if character == "{" { isInside = true }
        }
        return shape
    }

    /// Holes are called like the columns that fill them, so that one template serves the URL and the table.
    private static func renamed(_ holes: [String], _ choice: Choice?) -> [String] {
        guard let binding = choice?.binding, binding.isWhole else { return holes }
        let columns = holes.map { binding.columns[$0] ?? $0 }
        let areNames = columns.allSatisfy { $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") } }
        return areNames && Set(columns).count == columns.count ? columns : holes
    }

    /// `{a}` becomes `{b}`, for all of them at once.
    private static func replace(_ names: [String], by others: [String], in text: String) -> String {
        let map = Dictionary(zip(names, others)) { first, _ in first }
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            result += rest[..<open] + "{\(map[name] ?? name)}"
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }

    /// In the order of the path: `room:{room_id}:messages`; by the feature's name where that is taken.
    private mutating func unused(_ path: ResourcePath, _ holes: [String], name: String) -> ChannelTemplate? {
        var holes = holes[...]
        let pretty =
            path.steps.flatMap { step in
                let word = step.holes.isEmpty ? Self.plain(step.literal) : Self.plain(step.words.joined(separator: "-"))
                return [word].filter { !$0.isEmpty } + step.holes.map { _ in "{\(holes.popFirst() ?? "")}" }
            } + path.filters.flatMap(\.holes).map { _ in "{\(holes.popFirst() ?? "")}" }
        let rest = pretty.filter { $0.hasPrefix("{") }
        var texts = [pretty, [name] + rest].map { $0.joined(separator: ":") }
        texts += (2...).lazy.prefix(100).map { (["\(name)-\($0)"] + rest).joined(separator: ":") }
        for text in texts {
            guard let template = try? ChannelTemplate(text), !templates.contains(where: { $0.overlaps(template) })
            else {
                continue
            }
            templates.append(template)
            return template
        }
        return nil
    }

    private static func plain(_ text: String) -> String {
        String(text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.".contains($0)) ? $0 : "-" })
    }
}
