import DoorbellCore
import Testing

/// A publication whose message is a golden file.
struct GoldenPublication: Sendable, CustomTestStringConvertible {
    let name: String
    var type = "change"
    var channel = "orders:42"
    var version = SchemaVersion.first
    var position = "7.1042-88301"
    var previous: String? = "7.1041-88290"
    /// With ``message``, `nil`: a signal.
    var operation: Operation?
    var message: DirectMessage?
    var key: String? = #"{"id":42}"#
    var data: String?
    var changed: [String]?
    /// Unix milliseconds.
    var time: Int64 = 1_763_763_600_123

    var testDescription: String { name }

    func publication() throws -> Publication {
        let feature = Feature(
            name: "orders", poll: try PollPattern("GET /api/orders/{id}"), tables: [], messageType: type)
        let content: Publication.Content
        if let operation {
            content = .change(
                operation,
                [
                    .init(
                        version: version, key: key.map { Array($0.utf8) }, data: data.map { Array($0.utf8) },
                        changed: changed)
                ])
        } else {
            content = message.map { .message($0) } ?? .signal
        }
        return Publication(
            feature: feature, channel: try #require(ChannelName(channel)), position: try #require(Position(position)),
            previous: previous.flatMap { Position($0) },
            // A part of a millisecond is cut off, never rounded up: the message is not from the future.
            committedAt: Timestamp(microseconds: time * 1000 + 999), content: content)
    }

    static let all: [GoldenPublication] = [
        .init(name: "server-change-insert", operation: .insert, data: #"{"id":42,"state":"new","total":10.50}"#),
        .init(
            name: "server-change-update", position: "7.1043-88302", previous: "7.1042-88301", operation: .update,
            data: #"{"id":42,"state":"paid","total":10.50}"#, changed: ["state"], time: 1_763_763_601_123),
        .init(
            name: "server-change-update-renamed", type: "notification", channel: "user:7:notifications",
            version: SchemaVersion(2)!, position: "7.1043-88302", previous: "7.1042-88301", operation: .update,
            key: #"{"id":9007199254740993}"#, data: #"{"id":9007199254740993,"text":"Grüße \"you\"","isRead":true}"#,
            changed: ["text", "isRead"], time: 1_763_763_601_123),
        .init(
            name: "server-change-update-nothing-changed", position: "7.1043-88302", previous: "7.1042-88301",
            operation: .update, data: #"{"id":42}"#, changed: [], time: 1_763_763_601_123),
        .init(
            name: "server-change-delete", position: "7.1044-88303", previous: "7.1043-88302", operation: .delete,
            time: 1_763_763_602_123),
        .init(
            name: "server-change-truncate", channel: "orders", position: "7.1045-88304", previous: "7.1044-88303",
            operation: .truncate, key: nil, time: 1_763_763_603_123),
        .init(name: "server-change-first", position: "7.1-1", previous: nil, operation: .insert, data: #"{"id":42}"#),
        .init(name: "server-change-without-key", channel: "log", operation: .insert, key: nil, data: #"{"line":"a"}"#),
        .init(
            name: "server-message", channel: "room:1", message: DirectMessage(data: Array(#"{"typing":true}"#.utf8))),
        .init(
            name: "server-message-maximal", channel: "room:1", previous: nil,
            message: DirectMessage(
                data: Array(#"[1.0, 1e2, "\u00e4"]"#.utf8), from: "7", session: "s-4f1c", id: "8")),
        .init(name: "server-signal"),
        .init(name: "server-signal-first", position: "7.1-1", previous: nil),
    ]
}
