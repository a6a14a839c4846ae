import DoorbellCore

/// What one feature does with the changes of one table.
struct TableRules: Sendable {
    let feature: Feature
    let rules: [Rule]
    /// The table's own mode, else the feature's.
    let mode: Feature.Mode
    /// One for each version, ascending. Empty in `signal` mode, where no row is rendered.
    let renderers: [Renderer]
    /// All templates of the feature: who hears of a change whose channels are not known.
    let templates: [ChannelTemplate]
    /// Those that a TRUNCATE of this table concerns.
    let truncateTemplates: [ChannelTemplate]

    enum Rule: Sendable {
        case template(ChannelTemplate, columns: [String])
        case query(ChannelQuery)
    }

    init(feature: Feature, table: QualifiedName) {
        self.feature = feature
        self.templates = feature.templates
        var rules: [Rule] = []
        var concerned: [ChannelTemplate] = []
        for rule in feature.tables where rule.table == table {
            switch rule.channel {
            case .template(let template):
                rules.append(.template(template, columns: template.names))
                concerned.append(template)
            case .query(let query):
                rules.append(.query(query))
                concerned.append(contentsOf: feature.templates)
            }
        }
        self.rules = rules
        var seen: Set<ChannelTemplate> = []
        self.truncateTemplates = concerned.filter { seen.insert($0).inserted }
        let mode = feature.tables.first { $0.table == table && $0.mode != nil }?.mode ?? feature.mode
        self.mode = mode
        self.renderers =
            mode == .rows
            ? feature.versions.map { Renderer(version: $0.version, projection: $0.projection) } : []
    }

    /// The channels of the row before and of the row after, each once.
    struct Channels {
        var before: [ChannelName] = []
        var after: [ChannelName] = []
        /// A channel name that would be too long: nobody can be subscribed to it, so nobody needs a `reset`.
        var unreachable: String?
    }

    /// - Throws: Why the channels cannot be known; all channels of the feature need a `reset`.
    func channels(
        before: RowImage?, after: RowImage?, relation: Relation, queries: any ChannelQueryRunner
    ) throws(RowValue.Failure) -> Channels {
        var channels = Channels()
        for rule in rules {
            switch rule {
            case .template(let template, let columns):
                // Most updates leave the columns of the channel alone: expand once.
                if let before, let after, columns.allSatisfy({ Renderer.same($0, before, after) }) {
                    if let channel = try expand(template, after, relation, &channels.unreachable) {
                        Self.add(channel, to: &channels.before)
                        Self.add(channel, to: &channels.after)
                    }
                    continue
                }
                if let before, let channel = try expand(template, before, relation, &channels.unreachable) {
                    Self.add(channel, to: &channels.before)
                }
                if let after, let channel = try expand(template, after, relation, &channels.unreachable) {
                    Self.add(channel, to: &channels.after)
                }
            case .query(let query):
                let old = try before.map { row throws(RowValue.Failure) in try values(of: query, in: row, relation) }
                let new = try after.map { row throws(RowValue.Failure) in try values(of: query, in: row, relation) }
                let left = try old.map { values throws(RowValue.Failure) in try run(query, values, queries) } ?? []
                let entered =
                    if let old, let new, old == new { left } else {
                        try new.map { values throws(RowValue.Failure) in try run(query, values, queries) } ?? []
                    }
                for channel in left { Self.add(channel, to: &channels.before) }
                for channel in entered { Self.add(channel, to: &channels.after) }
            }
        }
        return channels
    }

    private static func add(_ channel: ChannelName, to channels: inout [ChannelName]) {
        if !channels.contains(channel) { channels.append(channel) }
    }

    /// `nil`: the row belongs to no channel.
    private func expand(
        _ template: ChannelTemplate, _ row: RowImage, _ relation: Relation, _ unreachable: inout String?
    ) throws(RowValue.Failure) -> ChannelName? {
        switch template.expand({ row.text(of: $0) }) {
        case .channel(let channel): return channel
        case .absent: return nil
        case .missing(let column):
            throw RowValue.Failure(reason: "\(relation.name) has no column '\(column)', which '\(template)' needs")
        case .tooLong:
            unreachable = "'\(template)' becomes longer than \(ChannelName.maximumLength) bytes"
            return nil
        }
    }

    private func values(
        of query: ChannelQuery, in row: RowImage, _ relation: Relation
    ) throws(RowValue.Failure) -> [String?] {
        var values: [String?] = []
        for column in query.columns {
            guard let value = row.text(of: column) else {
                throw RowValue.Failure(reason: "\(relation.name) has no column '\(column)', which its query needs")
            }
            values.append(value)
        }
        return values
    }

    private func run(
        _ query: ChannelQuery, _ values: [String?], _ queries: any ChannelQueryRunner
    ) throws(RowValue.Failure) -> [ChannelName] {
        let names: [String]
        do {
            names = try queries.channels(for: query, values: values)
        } catch {
            throw RowValue.Failure(reason: "the channel query failed: \(error)")
        }
        var channels: [ChannelName] = []
        // An empty name is SQL NULL or '': like an empty column, no channel.
        for name in names where !name.isEmpty {
            guard let channel = ChannelName(name) else {
                throw RowValue.Failure(
                    reason: "the channel query returned '\(name.prefix(80))', which is no channel name")
            }
            // Nobody could subscribe to it, and nobody would ever notice.
            guard templates.isEmpty || feature.owns(channel) else {
                throw RowValue.Failure(
                    reason:
                        "the channel query returned '\(name.prefix(80))', which no channel template of the feature matches"
                )
            }
            channels.append(channel)
        }
        return channels
    }
}
