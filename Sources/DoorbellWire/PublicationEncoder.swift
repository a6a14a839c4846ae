public import DoorbellCore

/// Writes publications as text frames: once per publication and schema version, for all subscribers.
public enum PublicationEncoder {
    /// The message in `version`.
    ///
    /// A change that has no rendition in `version` becomes a `reset`: the client fetches again, and nobody believes stale data.
    public static func encode(_ publication: Publication, as version: SchemaVersion) -> EncodedMessage {
        switch publication.content {
        case .change(let operation, let renditions):
            guard let rendition = renditions.first(where: { $0.version == version }) else {
                return reset(publication, "the change is not available in version \(version)")
            }
            return change(publication, operation, rendition)
        case .signal: return signal(publication)
        case .message(let message): return direct(publication, message)
        case .reset(let reason): return reset(publication, reason)
        }
    }

    private static func change(
        _ publication: Publication, _ operation: Operation, _ rendition: Publication.Rendition
    ) -> EncodedMessage {
        // 160: the member names, the operation, the version, the timestamp and the punctuation; 64 a position.
        let names = rendition.changed?.reduce(16) { $0 + $1.utf8.count + 3 } ?? 0
        var frame = FrameBuilder(
            capacity: 160 + 2 * 64 + publication.feature.messageType.utf8.count
                + publication.channel.rawValue.utf8.count
                + (rendition.key?.count ?? 0) + (rendition.data?.count ?? 0) + names)
        frame.append(#"{"type":"#)
        frame.append(string: publication.feature.messageType)
        frame.append(#","channel":"#)
        frame.append(plain: publication.channel.rawValue)
        frame.append(#","version":"#)
        frame.append(UInt64(rendition.version.number))
        frame.append(placeOf: publication)
        frame.append(#","op":"#)
        switch operation {
        case .insert: frame.append(#""insert""#)
        case .update: frame.append(#""update""#)
        case .delete: frame.append(#""delete""#)
        case .truncate: frame.append(#""truncate""#)
        }
        if let key = rendition.key {
            frame.append(#","key":"#)
            frame.append(raw: key)
        }
        if let data = rendition.data {
            frame.append(#","data":"#)
            frame.append(raw: data)
        }
        if let changed = rendition.changed {
            frame.append(#","changed":["#)
            frame.append(strings: changed)
            frame.append("]")
        }
        frame.append(timeOf: publication)
        return frame.finish(type: publication.feature.messageType, position: publication.position)
    }

    private static func signal(_ publication: Publication) -> EncodedMessage {
        var frame = FrameBuilder(capacity: 224 + publication.channel.rawValue.utf8.count)
        frame.append(#"{"type":"signal","channel":"#)
        frame.append(plain: publication.channel.rawValue)
        frame.append(placeOf: publication)
        frame.append(timeOf: publication)
        return frame.finish(type: "signal", position: publication.position)
    }

    private static func direct(_ publication: Publication, _ message: DirectMessage) -> EncodedMessage {
        var frame = FrameBuilder(capacity: 384 + publication.channel.rawValue.utf8.count + message.data.count)
        frame.append(#"{"type":"message","channel":"#)
        frame.append(plain: publication.channel.rawValue)
        frame.append(placeOf: publication)
        frame.append(#","data":"#)
        frame.append(raw: message.data)
        if let from = message.from {
            frame.append(#","from":"#)
            frame.append(string: from)
        }
        if let session = message.session {
            frame.append(#","session":"#)
            frame.append(string: session)
        }
        frame.append(id: message.id)
        frame.append(timeOf: publication)
        return frame.finish(type: "message", position: publication.position)
    }

    private static func reset(_ publication: Publication, _ reason: String) -> EncodedMessage {
        ServerMessage.reset(channel: publication.channel, reason: reason, position: publication.position).encoded()
    }
}

extension FrameBuilder {
    fileprivate mutating func append(placeOf publication: Publication) {
        append(#","position":"#)
        append(publication.position)
        append(#","previous":"#)
        if let previous = publication.previous { append(previous) } else { append("null") }
    }

    /// The timestamp and the end of the object.
    fileprivate mutating func append(timeOf publication: Publication) {
        append(#","timestamp":"#)
        append(publication.committedAt.milliseconds)
        append("}")
    }
}
