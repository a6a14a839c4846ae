public import DoorbellCore

/// Turns changes into drafts by the rules of the features: pure, but for the `query` rules, which ask the runner they are
/// given.
///
/// Every method is total. What cannot be translated becomes a dead letter, and the channels that it may have concerned are
/// told `reset`: a client then fetches again instead of believing stale data.
///
/// For one change a channel gets at most one draft of a feature, so that no two messages of a channel share a position.
///
/// - Note: A table without a key has no `key` in its messages, except that the `key` of a `delete` is its whole projected
///   row, since that is all there is to say which row went.
public struct Translator: Sendable {
    private let rules: [QualifiedName: [TableRules]]
    let features: [Feature]

    public init(features: [Feature]) {
        self.features = features
        var rules: [QualifiedName: [TableRules]] = [:]
        for feature in features {
            for table in Set(feature.tables.map(\.table)) {
                rules[table, default: []].append(TableRules(feature: feature, table: table))
            }
        }
        self.rules = rules
    }

    /// The tables that some feature uses.
    public var tables: Set<QualifiedName> { Set(rules.keys) }

    /// - Parameter queries: Asked for `query` rules only, at most twice a rule.
    public func translate(_ change: Change, queries: any ChannelQueryRunner) -> Translation {
        var translation = Translation()
        guard let tables = rules[change.relation.name] else { return translation }
        for table in tables {
            if change.operation == .truncate {
                translation.drafts.append(Self.truncate(change, table))
            } else {
                Self.translate(change, table, queries, into: &translation)
            }
        }
        return translation
    }

    /// A `reset` for every feature that uses the table; for all of them when the table is not known.
    public func translate(_ unreadable: UnreadableChange) -> Translation {
        var translation = Translation()
        for feature in features
        where unreadable.table.map({ table in feature.tables.contains { $0.table == table } }) ?? true {
            translation.deadLetters.append(
                DeadLetter(
                    feature: feature.name, table: unreadable.table, position: unreadable.position,
                    reason: unreadable.reason, committedAt: unreadable.committedAt))
            translation.drafts.append(
                Draft(
                    feature: feature, audience: .matching(feature.templates),
                    content: .reset(reason: unreadable.reason),
                    position: unreadable.position, committedAt: unreadable.committedAt))
        }
        return translation
    }

    // MARK: One feature

    private static func truncate(_ change: Change, _ table: TableRules) -> Draft {
        let content: Publication.Content =
            switch table.mode {
            case .signal, .answer: .signal
            case .rows:
                .change(
                    .truncate,
                    table.renderers.map { .init(version: $0.version, key: nil, data: nil, changed: nil) })
            }
        return draft(change, table, .matching(table.truncateTemplates), content)
    }

    private static func translate(
        _ change: Change, _ table: TableRules, _ queries: any ChannelQueryRunner, into translation: inout Translation
    ) {
        let (before, after): (RowImage?, RowImage?) =
            switch change.operation {
            case .insert, .truncate: (nil, change.after)
            case .update: (change.before, change.after)
            case .delete: (change.before, nil)
            }
        guard change.operation == .delete ? before != nil : after != nil else {
            fail(change, table, "the change carries no row", into: &translation)
            return
        }
        var channels: TableRules.Channels
        do {
            channels = try table.channels(before: before, after: after, relation: change.relation, queries: queries)
        } catch {
            fail(change, table, error.reason, into: &translation)
            return
        }
        if let unreachable = channels.unreachable {
            translation.deadLetters.append(letter(change, table, unreachable))
        }
        // An update that carries no row before can move nothing that we know of.
        if change.operation == .update, before == nil { channels.before = channels.after }
        do {
            try tell(change, channels, table, before, after, into: &translation)
        } catch {
            translation.deadLetters.append(letter(change, table, error.reason))
            let concerned = channels.before + channels.after.filter { !channels.before.contains($0) }
            for channel in concerned {
                translation.drafts.append(draft(change, table, .channel(channel), .reset(reason: error.reason)))
            }
        }
    }

    /// Appends nothing when it throws.
    private static func tell(
        _ change: Change, _ channels: TableRules.Channels, _ table: TableRules, _ before: RowImage?, _ after: RowImage?,
        into translation: inout Translation
    ) throws(RowValue.Failure) {
        let left = channels.before.filter { !channels.after.contains($0) }
        let entered = channels.after.filter { !channels.before.contains($0) }
        let stayed = channels.after.count - entered.count
        var deleted = Publication.Content.signal
        var inserted = Publication.Content.signal
        var updated = Publication.Content.signal
        if table.mode == .rows {
            if !left.isEmpty, let before { deleted = try deletion(of: before, change.relation, table) }
            if let after {
                if !entered.isEmpty { inserted = try writing(.insert, nil, after, change.relation, table) }
                if stayed > 0 { updated = try writing(.update, before, after, change.relation, table) }
            }
        }
        for channel in left { translation.drafts.append(draft(change, table, .channel(channel), deleted)) }
        for channel in channels.after {
            let content = stayed > 0 && channels.before.contains(channel) ? updated : inserted
            translation.drafts.append(draft(change, table, .channel(channel), content))
        }
    }

    private static func deletion(
        of row: RowImage, _ relation: Relation, _ table: TableRules
    ) throws(RowValue.Failure) -> Publication.Content {
        var renditions: [Publication.Rendition] = []
        renditions.reserveCapacity(table.renderers.count)
        for renderer in table.renderers {
            var key = try renderer.key(of: row, in: relation)
            if key == nil { key = try renderer.data(of: row, in: relation) }
            renditions.append(.init(version: renderer.version, key: key, data: nil, changed: nil))
        }
        return .change(.delete, renditions)
    }

    private static func writing(
        _ operation: Operation, _ before: RowImage?, _ after: RowImage, _ relation: Relation, _ table: TableRules
    ) throws(RowValue.Failure) -> Publication.Content {
        var renditions: [Publication.Rendition] = []
        renditions.reserveCapacity(table.renderers.count)
        for renderer in table.renderers {
            renditions.append(
                .init(
                    version: renderer.version, key: try renderer.key(of: after, in: relation),
                    data: try renderer.data(of: after, in: relation),
                    changed: before.map { renderer.changed(from: $0, to: after) }))
        }
        return .change(operation, renditions)
    }

    // MARK: Pieces

    private static func fail(
        _ change: Change, _ table: TableRules, _ reason: String, into translation: inout Translation
    ) {
        translation.deadLetters.append(letter(change, table, reason))
        translation.drafts.append(draft(change, table, .matching(table.templates), .reset(reason: reason)))
    }

    private static func letter(_ change: Change, _ table: TableRules, _ reason: String) -> DeadLetter {
        DeadLetter(
            feature: table.feature.name, table: change.relation.name, position: change.position, reason: reason,
            committedAt: change.committedAt)
    }

    private static func draft(
        _ change: Change, _ table: TableRules, _ audience: Draft.Audience, _ content: Publication.Content
    ) -> Draft {
        Draft(
            feature: table.feature, audience: audience, content: content, position: change.position,
            committedAt: change.committedAt)
    }
}
