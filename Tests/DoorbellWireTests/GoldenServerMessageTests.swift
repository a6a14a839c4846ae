import DoorbellCore
import DoorbellWire
import Testing

@Suite struct GoldenServerMessageTests {
    static let position = Position(epoch: 7, tick: 1042, seq: 88301)
    static let two = SchemaVersion(2)!

    static func channel(_ name: String) -> ChannelName { ChannelName(name)! }
    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static let messages: [(name: String, message: ServerMessage)] = [
        ("server-welcome", .welcome(session: "s-4f1c", heartbeat: 25, resumed: false)),
        ("server-welcome-resumed", .welcome(session: "s-4f1c", heartbeat: 25, resumed: true)),
        (
            "server-subscribed",
            .subscribed(
                .init(
                    channel: channel("notifications"), position: Position(epoch: 7, tick: 1042, seq: 0),
                    recovered: false,
                    version: .first))
        ),
        (
            "server-subscribed-recovered",
            .subscribed(
                .init(
                    channel: channel("user:7:notifications"), position: position, recovered: true, version: two,
                    id: #""sub-1""#))
        ),
        (
            "server-subscribed-snapshot",
            .subscribed(
                .init(
                    channel: channel("orders:42"), position: position, recovered: false, version: .first, id: "12",
                    snapshot: .init(status: 200, etag: #""v1""#, answer: bytes(#"{"id":42,"total":"10.50"}"#))))
        ),
        (
            "server-subscribed-snapshot-text",
            .subscribed(
                .init(
                    channel: channel("orders:42"), position: position, recovered: false, version: .first,
                    snapshot: .init(status: 200, etag: nil, answer: bytes("<order id=\"42\"/>\n"))))
        ),
        (
            "server-subscribed-snapshot-empty",
            .subscribed(
                .init(
                    channel: channel("orders:42"), position: position, recovered: false, version: .first,
                    snapshot: .init(status: 304, etag: #"W/"v1""#, answer: [])))
        ),
        ("server-unsubscribed", .unsubscribed(channel: channel("orders:42"), reason: "not allowed", id: nil)),
        ("server-unsubscribed-id", .unsubscribed(channel: channel("orders:42"), reason: "asked for", id: #""u-1""#)),
        ("server-reset", .reset(channel: channel("orders:42"), reason: "slow consumer", position: position)),
        ("server-pong", .pong(id: nil)),
        ("server-pong-id", .pong(id: "3")),
        ("server-transport-poll", .transport(feature: "notifications", use: .poll)),
        ("server-transport-push", .transport(feature: "notifications", use: .push)),
        ("server-error", .error(.badRequest, message: "'type' is missing", id: nil, channel: nil)),
        (
            "server-error-maximal",
            .error(.unknownVersion, message: #"versions of "orders": 1, 2"#, id: #""sub-1""#, channel: "orders:42")
        ),
        ("server-error-unknown-channel", .error(.unknownChannel, message: "…", id: "1", channel: nil)),
        ("server-error-not-allowed", .error(.notAllowed, message: "…", id: "1", channel: nil)),
        ("server-error-upstream-unavailable", .error(.upstreamUnavailable, message: "…", id: "1", channel: nil)),
        ("server-error-limit", .error(.limit, message: "…", id: "1", channel: nil)),
        ("server-error-not-subscribed", .error(.notSubscribed, message: "…", id: "1", channel: nil)),
        ("server-error-already-subscribed", .error(.alreadySubscribed, message: "…", id: "1", channel: nil)),
        ("server-error-not-live", .error(.notLive, message: "…", id: "1", channel: nil)),
        ("server-goodbye", .goodbye(reason: "service restart", reconnectAfter: 1250)),
    ]

    /// The frame around each is checked by the frame parser of a client.
    static func payload(_ message: EncodedMessage) throws -> String {
        var parser = WebSocketFrameParser(role: .client, maximumMessageSize: 1 << 20)
        parser.append(message.frame)
        #expect(try parser.next() == .text(Array(message.payload)))
        #expect(!parser.isInsideMessage)
        return String(decoding: message.payload, as: UTF8.self)
    }

    @Test("each server message encodes byte for byte to its golden file", arguments: messages)
    func encodes(_ golden: (name: String, message: ServerMessage)) throws {
        let expected = String(decoding: try GoldenFiles.read(golden.name), as: UTF8.self)
        #expect(try Self.payload(golden.message.encoded()) == expected)
    }

    @Test("each publication encodes byte for byte to its golden file", arguments: GoldenPublication.all)
    func encodesPublication(_ golden: GoldenPublication) throws {
        let expected = String(decoding: try GoldenFiles.read(golden.name), as: UTF8.self)
        #expect(try Self.payload(PublicationEncoder.encode(golden.publication(), as: golden.version)) == expected)
    }

    @Test("no golden file of the server is left out")
    func complete() throws {
        let names = Self.messages.map(\.name) + GoldenPublication.all.map(\.name)
        #expect(try GoldenFiles.names(prefix: "server-") == names.sorted())
    }

    @Test("every error code has a golden file", arguments: ServerMessage.ErrorCode.allCases)
    func everyCode(_ code: ServerMessage.ErrorCode) {
        #expect(
            Self.messages.contains { if case .error(code, _, _, _) = $0.message { true } else { false } })
    }
}
