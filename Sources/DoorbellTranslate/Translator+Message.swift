public import DoorbellCore

extension Translator {
    /// Direct messages need no rules but an owner. One that cannot be told is a dead letter, and its channel, if it has an
    /// owner, is told `reset`: nobody goes on as if there had been nothing.
    public func translate(_ logged: LoggedMessage) -> Translation {
        guard let channel = ChannelName(logged.channel), let feature = features.first(where: { $0.owns(channel) })
        else {
            let reason = "a direct message for '\(logged.channel.prefix(80))', which no feature has"
            return Translation(deadLetters: [letter(logged, DeadLetter.noFeature, reason)])
        }
        func draft(_ content: Publication.Content) -> Draft {
            Draft(
                feature: feature, audience: .channel(channel), content: content, position: logged.position,
                committedAt: logged.committedAt)
        }
        guard let fault = Self.fault(of: logged.message) else {
            return Translation(drafts: [draft(.message(logged.message))])
        }
        let reason = "a direct message on '\(channel)' \(fault)"
        return Translation(drafts: [draft(.reset(reason: reason))], deadLetters: [letter(logged, feature.name, reason)])
    }

    private func letter(_ logged: LoggedMessage, _ feature: String, _ reason: String) -> DeadLetter {
        DeadLetter(
            feature: feature, table: nil, position: logged.position, reason: reason, committedAt: logged.committedAt)
    }

    /// What keeps a message from becoming a part of a JSON text as it stands: PostgreSQL's own check is not enough in a database
    /// whose encoding nobody checks, and knows no bound of nesting.
    private static func fault(of message: DirectMessage) -> String? {
        guard JSONText.isEmbeddable(message.data) else { return "is not JSON, or nested too deeply" }
        guard let id = message.id else { return nil }
        let first = id.utf8.first ?? 0
        let isPlain = first == 0x22 || first == 0x2D || (0x30...0x39).contains(first)
        return isPlain && JSONText.isValid(Array(id.utf8)) ? nil : "has an 'id' that is neither text nor number"
    }
}
