import DoorbellCore

/// `features`: each is read by itself, then they are compared with each other.
extension ConfigurationReader {
    /// A feature and where its parts stand.
    struct ReadFeature {
        let feature: Feature
        let mark: YAMLTree.Mark
        let channelMark: YAMLTree.Mark
        let authorizeMark: YAMLTree.Mark
        let cacheMark: YAMLTree.Mark
    }

    func features(_ root: ConfigurationSection, into configuration: inout Configuration) {
        guard let section = root.section("features", ownKeys: true) else {
            if root["features"] == nil { problem(root.mark, "'features' is missing") }
            return
        }
        guard !section.members.isEmpty else {
            problem(section.mark, "features is empty")
            return
        }
        asked.insert("features.<name>")
        var read: [ReadFeature] = []
        var captures: [QualifiedName: (mode: CaptureMode, path: String)] = [:]
        var names: Set<String> = []
        // A name written twice has been reported as a repeated key.
        for member in section.members where names.insert(member.key).inserted {
            if let feature = feature(member, &captures) { read.append(feature) }
        }
        compare(read, retention: configuration.capture.retention)
        configuration.capture.statementTables = Set(captures.filter { $0.value.mode == .statement }.keys)
        configuration.features = read.map(\.feature)
    }

    enum CaptureMode: String, CaseIterable {
        case row, statement
    }

    private func feature(
        _ member: YAMLTree.Member, _ captures: inout [QualifiedName: (mode: CaptureMode, path: String)]
    ) -> ReadFeature? {
        let path = "features.\(member.key)"
        if !Self.isName(member.key) {
            problem(
                member.keyMark, "'\(member.key)' is not a feature's name",
                "use letters, digits, '_' and '-', at most 64 of them")
        }
        guard
            let section = ConfigurationSection(
                member.value, path: path, pattern: "features.<name>", mark: member.keyMark, in: self)
        else { return nil }
        let poll: PollPattern? = section.required("poll", "GET /path/{name}").flatMap { text in
            do throws(PollPattern.SyntaxError) {
                return try PollPattern(text)
            } catch {
                problem(section["poll"]?.mark, "\(path).poll: \(error)")
                return nil
            }
        }
        let channel = section["channel"].flatMap { template($0, "\(path).channel") }
        let tables = tables(section, &captures)
        let mode: Feature.Mode = section.choice("mode", default: .rows)
        let message = message(section)
        let versions = section["versions"].map { _ in self.versions(section) } ?? []
        if !tables.contains(where: { ($0.mode ?? mode) == .rows }), section["versions"] != nil, mode != .rows {
            warning(
                section["versions"]?.mark,
                "\(path).versions does nothing in 'mode: \(mode.rawValue)', which sends no rows")
        }
        let authorize = authorization(section)
        let batch = section.duration("batch", default: .zero, .zero ... .seconds(10))
        let slow: Feature.SlowPolicy = section.choice("slow", default: .reset)
        let publish: Feature.Publishing = section.choice("publish", default: .nobody)
        if publish == .subscribers, authorize == .public {
            warning(section["publish"]?.mark, "everybody may publish on the channels of \(path), which is public")
        }
        let delivery: Feature.Delivery = section.choice("delivery", default: .resumable)
        if mode == .answer { answers(section, publish, delivery) }
        if delivery == .atLeastOnce, slow == .conflate {
            problem(
                section["delivery"]?.mark, "\(path) delivers at least once and conflates, which leaves messages out",
                "use 'slow: reset' or 'slow: disconnect'")
        }
        let history = history(section)
        if slow == .conflate { conflation(section, tables: tables, mode: mode, history: history) }
        let presence = section.flag("presence", default: false)
        let start = start(section)
        let cohort = cohort(section)
        let parity = parity(section, tables: tables, mode: mode, versions: versions)
        let cache = caching(section)
        let sendsSignals = tables.contains { ($0.mode ?? mode) == .signal }
        let retirement = retirement(section, sendsSignals: sendsSignals)
        let gate = gate(section, parity: parity)
        let interval = section.duration("interval", default: .seconds(3), .milliseconds(100) ... .days(1))
        guard let poll else { return nil }
        let feature = Feature(
            name: member.key, poll: poll, interval: interval, mode: mode, tables: tables, channel: channel,
            messageType: message, versions: versions, authorize: authorize, batch: batch, slow: slow,
            publish: publish, delivery: delivery, history: history, stage: start.stage, percent: start.percent,
            cohort: cohort, retirement: retirement, presence: presence, parity: parity, cache: cache,
            gate: gate)
        let mark = section["channel"]?.mark ?? section["tables"]?.mark ?? member.keyMark
        return ReadFeature(
            feature: feature, mark: member.keyMark, channelMark: mark,
            authorizeMark: section["authorize"]?.mark ?? member.keyMark,
            cacheMark: section["cache"]?.mark ?? member.keyMark)
    }

    // MARK: Members

    private func template(_ tree: YAMLTree, _ path: String) -> ChannelTemplate? {
        guard let text = text(tree, path) else { return nil }
        do {
            return try ChannelTemplate(text)
        } catch {
            problem(tree.mark, "\(path): \(error)")
            return nil
        }
    }

    private func tables(
        _ feature: ConfigurationSection, _ captures: inout [QualifiedName: (mode: CaptureMode, path: String)]
    ) -> [Feature.TableRule] {
        guard feature["tables"] != nil else {
            // Direct messages alone may be all that its channel carries.
            if feature["channel"] != nil { return [] }
            problem(feature.mark, "'tables' is missing in \(feature.path)", "name the tables whose changes concern it")
            return []
        }
        guard let elements = feature.list("tables") else { return [] }
        if elements.isEmpty { problem(feature["tables"]?.mark, "\(feature.path).tables is empty") }
        var rules: [Feature.TableRule] = []
        var seen: Set<QualifiedName> = []
        for (index, element) in elements.enumerated() {
            let path = "\(feature.path).tables[\(index)]"
            guard
                let section = ConfigurationSection(
                    element, path: path, pattern: "features.<name>.tables[]", in: self)
            else { continue }
            let name = table(section)
            let channel = channelRule(section)
            let told: Feature.Mode? = section["mode"].map { _ in
                section.choice("mode", default: Feature.Mode.rows)
            }
            if told == .answer {
                problem(
                    section["mode"]?.mark, "\(path).mode is 'answer', which is of a whole feature",
                    "write it in \(feature.path)")
            }
            let mode: CaptureMode = section.choice("capture", default: .row)
            guard let name else { continue }
            if !seen.insert(name).inserted {
                problem(section["name"]?.mark, "the table \(name) stands twice in \(feature.path).tables")
            } else if let other = captures[name], other.mode != mode {
                problem(
                    section["capture"]?.mark ?? section.mark,
                    "\(path) captures \(name) by \(mode.rawValue), \(other.path) by \(other.mode.rawValue)",
                    "a table is captured in one way")
            } else {
                captures[name] = (mode, path)
            }
            if let channel { rules.append(Feature.TableRule(table: name, channel: channel, mode: told)) }
        }
        return rules
    }

    private func table(_ section: ConfigurationSection) -> QualifiedName? {
        guard let text = section.required("name", "public.orders") else { return nil }
        guard let name = QualifiedName(text), !text.contains("\"") else {
            problem(section["name"]?.mark, "\(section.path).name must be 'schema.table' without quotes, not '\(text)'")
            return nil
        }
        return name
    }

    private func channelRule(_ section: ConfigurationSection) -> Feature.ChannelRule? {
        guard let tree = section["channel"] else {
            problem(section.mark, "'channel' is missing in \(section.path)", "write 'channel: orders:{id}'")
            return nil
        }
        asked.insert("features.<name>.tables[].channel.query")
        let path = "\(section.path).channel"
        guard case .mapping(let members) = tree.kind else { return template(tree, path).map { .template($0) } }
        // `channel: {user_id}` without quotes is a mapping with a key and no value.
        if members.count == 1, case .scalar("", plain: true) = members[0].value.kind, members[0].key != "query" {
            problem(
                tree.mark, "\(path) must be text or a query", "did you mean '\"{\(members[0].key)}\"', with quotes?")
            return nil
        }
        guard
            let rule = ConfigurationSection(
                tree, path: path, pattern: "features.<name>.tables[].channel", in: self),
            let text = rule.required("query", "select … where id = {id}")
        else { return nil }
        do {
            return .query(try ChannelQuery(text))
        } catch {
            problem(rule["query"]?.mark, "\(path).query: \(error)")
            return nil
        }
    }

    /// Types that the protocol has given a meaning: a client could not tell them from the feature's own.
    private static let reservedTypes: Set<String> = [
        "welcome", "subscribed", "unsubscribed", "signal", "answer", "batch", "reset", "response", "presence", "pong",
        "refreshed", "transport", "error", "goodbye", "conflated", "message", "published",
    ]

    private func message(_ section: ConfigurationSection) -> String {
        guard let text = section.text("message") else { return "change" }
        if Self.reservedTypes.contains(text) {
            problem(
                section["message"]?.mark, "\(section.path).message may not be '\(text)', which the protocol uses itself"
            )
        } else if !Self.isName(text) {
            problem(
                section["message"]?.mark, "\(section.path).message '\(text)' is not a name",
                "use letters, digits, '_' and '-', at most 64 of them")
        }
        return text
    }

    /// Messages are told apart by their keys, and a client reads what it missed from history.
    private func conflation(
        _ section: ConfigurationSection, tables: [Feature.TableRule], mode: Feature.Mode, history: HistoryLimits
    ) {
        let mark = section["slow"]?.mark
        let path = "\(section.path).slow"
        if tables.count(where: { ($0.mode ?? mode) == .rows }) > 1 {
            problem(
                mark, "\(path) is 'conflate', and rows of several tables may have the same key",
                "give all tables but one 'mode: signal', or use 'slow: reset'")
        }
        if history.count == 0 || history.age == .zero {
            warning(mark, "\(path): conflate does nothing without history: slow clients are told reset")
        }
    }

    /// What a client is told is an answer and nothing else, and only the newest.
    private func answers(
        _ section: ConfigurationSection, _ publish: Feature.Publishing, _ delivery: Feature.Delivery
    ) {
        if publish == .subscribers {
            problem(
                section["publish"]?.mark, "\(section.path) tells answers, so direct messages would reach nobody",
                "use 'mode: signal', or a feature of its own for them")
        }
        if delivery == .atLeastOnce {
            problem(
                section["delivery"]?.mark,
                "\(section.path) tells the newest answer only, so there is nothing to deliver again",
                "use 'delivery: resumable'")
        }
    }

    private func history(_ section: ConfigurationSection) -> HistoryLimits {
        let standard = HistoryLimits()
        guard let history = section.section("history") else { return standard }
        return HistoryLimits(
            count: history.number("count", default: standard.count, 0...1_000_000),
            age: history.duration("age", default: standard.age, .zero ... .days(7)))
    }

    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x2D: true
                default: false
                }
            }
    }
}
