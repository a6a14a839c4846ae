import DoorbellCore
import DoorbellWire
import Testing

@Suite struct GoldenServerMessageTests {
    static let position = Position(epoch: 7, tick: 1042, seq: 88301)
    static let two = SchemaVersion(2)!

    static func channel(_ name: String) -> ChannelName { ChannelName(name)! }
    static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static func response(_ id: String, _ status: Int, _ headers: [HeaderField], _ answer: [UInt8]) -> ServerMessage {
        .response(.init(id: id, status: status, headers: headers, answer: answer)!)
    }
    static let seven = ServerMessage.Presence.Member(user: "7", session: "s-4f1c")

    static func answer(
        _ status: Int, _ etag: String?, previous: Position?, _ content: ServerMessage.Answer.Content
    ) -> ServerMessage {
        .answer(
            .init(
                channel: channel("orders:42"), position: position, previous: previous, status: status, etag: etag,
                content: content))
    }

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
        (
            "server-answer",
            answer(
                200, #""v2""#, previous: Position(epoch: 7, tick: 1042, seq: 0),
                .body(bytes(#"{"id":42,"total":"11.00"}"#)))
        ),
        (
            "server-answer-patch",
            answer(
                200, #""v2""#, previous: Position(epoch: 7, tick: 1042, seq: 0),
                .patch(bytes(#"{"total":"11.00"}"#), base: #""v1""#))
        ),
        ("server-answer-first", answer(204, nil, previous: nil, .body([]))),
        ("server-unsubscribed", .unsubscribed(channel: channel("orders:42"), reason: "not allowed", id: nil)),
        ("server-unsubscribed-id", .unsubscribed(channel: channel("orders:42"), reason: "asked for", id: #""u-1""#)),
        ("server-reset", .reset(channel: channel("orders:42"), reason: "slow consumer", position: position)),
        ("server-conflated", .conflated(channel: channel("orders:42"), through: position, dropped: 1200)),
        (
            "server-response",
            response(
                "6", 200, [.init("Content-Type", "application/json; charset=utf-8"), .init("ETag", #""v1""#)],
                bytes(#"{"id":42, "total":10.50}"#))
        ),
        (
            "server-response-created",
            response(
                #""r-1""#, 201,
                [
                    .init("content-type", "application/problem+json"), .init("set-cookie", "a=1; Path=/"),
                    .init("location", "/api/orders/43"), .init("Set-Cookie", "b=2; Path=/"),
                ], bytes(#""json""#))
        ),
        ("server-response-text", response("7", 404, [.init("content-type", "text/plain")], bytes("no \"note\"\n"))),
        (
            "server-response-binary",
            response(
                "7", 200, [.init("content-type", "image/png")], [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        ),
        ("server-response-empty", response("7", 204, [], [])),
        (
            "server-presence-state",
            .presence(
                .init(
                    channel: channel("room:1"), event: .state, members: [seven, .init(user: nil, session: "s-9a00")],
                    id: "9"))
        ),
        ("server-presence-state-empty", .presence(.init(channel: channel("room:1"), event: .state, members: []))),
        (
            "server-presence-state-cut",
            .presence(.init(channel: channel("room:1"), event: .state, members: [seven], total: 2500, id: "9"))
        ),
        ("server-presence-join", .presence(.init(channel: channel("room:1"), event: .join, members: [seven]))),
        ("server-presence-leave", .presence(.init(channel: channel("room:1"), event: .leave, members: [seven]))),
        ("server-refreshed", .refreshed(expires: nil, id: nil)),
        ("server-refreshed-maximal", .refreshed(expires: 1_763_767_200_000, id: "5")),
        ("server-published", .published(channel: channel("room:1"), id: nil)),
        ("server-published-id", .published(channel: channel("room:1"), id: "8")),
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
        ("server-error-unavailable", .error(.unavailable, message: "…", id: "1", channel: nil)),
        ("server-error-not-supported", .error(.notSupported, message: "…", id: "1", channel: nil)),
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

    @Test("a batch is its messages' own bytes with commas between them")
    func batch() throws {
        var batch = MessageBatch()
        for name in ["server-change-insert", "server-change-update", "server-signal"] {
            let golden = try #require(GoldenPublication.all.first { $0.name == name })
            let isTaken = batch.append(PublicationEncoder.encode(try golden.publication(), as: golden.version))
            #expect(isTaken)
        }
        let finished = batch.finish()
        let message = try #require(finished)
        #expect(try Self.payload(message) == String(decoding: GoldenFiles.read("server-batch"), as: UTF8.self))
    }

    @Test("no golden file of the server is left out")
    func complete() throws {
        let names = Self.messages.map(\.name) + GoldenPublication.all.map(\.name) + ["server-batch"]
        #expect(try GoldenFiles.names(prefix: "server-") == names.sorted())
    }

    @Test("every error code has a golden file", arguments: ServerMessage.ErrorCode.allCases)
    func everyCode(_ code: ServerMessage.ErrorCode) {
        #expect(
            Self.messages.contains { if case .error(code, _, _, _) = $0.message { true } else { false } })
    }
}
