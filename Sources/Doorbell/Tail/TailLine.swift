import DoorbellCore
import Foundation

/// What a viewer of the tail is shown: that something changed, or that clients were told.
struct TailLine: Encodable, Equatable {
    enum Kind: String, Encodable {
        /// Captured and translated, whether or not anybody listens.
        case change
        /// Handed to the sockets of one event loop: there may be one for each.
        case told
    }

    /// Bytes of ``content``.
    static let maximumContent = 4096

    var kind: Kind
    /// Unix time in milliseconds.
    var at: Int64
    var feature: String
    var channel: String
    var position: String
    /// What clients see as its type.
    var type: String
    /// insert, update, delete or truncate; `nil`: no row.
    var operation: String?
    /// Of a change the row's as JSON; of what was told everything that was written for it.
    var bytes: Int
    /// Seconds since the commit.
    var lag: Double
    /// Who was told.
    var clients: Int?
    /// Its beginning, for those who may see it.
    var content: String?

    init(_ draft: Draft, now: Timestamp, withContent: Bool) {
        kind = .change
        at = now.milliseconds
        feature = draft.feature.name
        channel = draft.audience.text
        position = draft.position.description
        lag = max(0, now.seconds(since: draft.committedAt))
        let body: [UInt8]
        (type, operation, body) = Self.describe(draft.content, draft.feature)
        bytes = body.count
        if withContent, !body.isEmpty {
            content =
                String(decoding: body.prefix(Self.maximumContent), as: UTF8.self)
                + (body.count > Self.maximumContent ? "…" : "")
        }
    }

    init(_ publication: Publication, clients: Int, bytes: Int, at moment: Timestamp) {
        kind = .told
        at = moment.milliseconds
        feature = publication.feature.name
        channel = publication.channel.rawValue
        position = publication.position.description
        lag = max(0, moment.seconds(since: publication.committedAt))
        (type, operation, _) = Self.describe(publication.content, publication.feature)
        self.clients = clients
        self.bytes = bytes
    }

    private static func describe(
        _ content: Publication.Content, _ feature: Feature
    ) -> (type: String, operation: String?, body: [UInt8]) {
        switch content {
        case .change(let operation, let renditions):
            let rendition = renditions.first
            return (feature.messageType, operation.rawValue, rendition?.data ?? rendition?.key ?? [])
        case .signal: return ("signal", nil, [])
        case .message(let message): return ("message", nil, message.data)
        case .reset(let reason): return ("reset", nil, Array(reason.utf8))
        }
    }

    /// As a server-sent event.
    var event: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        return "event: \(kind.rawValue)\ndata: \(json)\n\n"
    }
}

extension Draft.Audience {
    /// For people.
    var text: String {
        switch self {
        case .channel(let name): name.rawValue
        case .matching(let templates): "every " + templates.map(\.source).joined(separator: ", ")
        }
    }
}
