import DoorbellCore
import DoorbellWire
import Testing

@Suite struct GoldenClientMessageTests {
    static let position = Position(epoch: 7, tick: 1042, seq: 88301)
    static let one = SchemaVersion.first
    static let two = SchemaVersion(2)!
    static let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2ln"

    static let messages: [(name: String, message: ClientMessage)] = [
        ("client-subscribe-channel", .subscribe(.init(target: .channel("notifications")))),
        (
            "client-subscribe-channel-maximal",
            .subscribe(
                .init(
                    target: .channel("user:7:notifications"), since: .position(position), versions: [two, one],
                    id: #""sub-1""#))
        ),
        ("client-subscribe-poll", .subscribe(.init(target: .poll("/api/orders/42")))),
        (
            "client-subscribe-poll-get",
            .subscribe(
                .init(
                    target: .poll("/api/users/7/notifications?unread=true"), since: .position(position),
                    versions: [one],
                    id: "12"))
        ),
        ("client-subscribe-since-latest", .subscribe(.init(target: .channel("orders:42")))),
        ("client-subscribe-since-earliest", .subscribe(.init(target: .channel("orders:42"), since: .earliest))),
        ("client-subscribe-since-unrecognised", .subscribe(.init(target: .channel("orders:42"), since: .unrecognised))),
        (
            "client-subscribe-client",
            .subscribe(.init(target: .channel("user:7:inbox"), client: "phone-4f1c", id: "3"))
        ),
        ("client-subscribe-patch", .subscribe(.init(target: .poll("/api/orders/42"), patch: true))),
        ("client-subscribe-version", .subscribe(.init(target: .channel("orders:42"), versions: [two]))),
        ("client-unsubscribe", .unsubscribe(channel: "orders:42", id: nil)),
        ("client-unsubscribe-id", .unsubscribe(channel: "orders:42", id: #""u-1""#)),
        ("client-ack", .ack(channel: "orders:42", position: position, id: nil)),
        ("client-ack-id", .ack(channel: "orders:42", position: position, id: "4")),
        ("client-auth", .auth(token: token, id: nil)),
        ("client-auth-id", .auth(token: token, id: #""a-1""#)),
        ("client-refresh", .refresh(token: token, id: nil)),
        ("client-refresh-id", .refresh(token: token, id: "5")),
        ("client-request", .request(.init(id: "6", method: "GET", path: "/api/orders/42"))),
        (
            "client-request-json",
            .request(
                .init(
                    id: #""r-1""#, method: "POST", path: "/api/orders?notify=1",
                    headers: [.init("content-type", "application/vnd.api+json"), .init("if-match", #""v1""#)],
                    body: .json(Array(#"{ "total":10.50,"customer":9007199254740993 }"#.utf8))))
        ),
        (
            "client-request-text",
            .request(
                .init(
                    id: "7", method: "PUT", path: "/api/notes/1", headers: [.init("content-type", "text/plain")],
                    body: .text("Grüße\n")))
        ),
        ("client-publish", .publish(channel: "room:1", data: Array(#"{"typing":true}"#.utf8), id: nil)),
        ("client-publish-id", .publish(channel: "room:1", data: Array(#"[1.0, 1e2, "\u00e4"]"#.utf8), id: "8")),
        ("client-presence", .presence(channel: "room:1", id: nil)),
        ("client-presence-id", .presence(channel: "room:1", id: "9")),
        ("client-drift", .drift(channel: "orders:42", position: position, digest: "9f86d081884c7d65", id: nil)),
        ("client-drift-id", .drift(channel: "orders:42", position: position, digest: "9f86d081884c7d65", id: "10")),
        ("client-ping", .ping(id: nil)),
        ("client-ping-id", .ping(id: "3")),
        ("client-unknown", .unknown(type: "wave")),
    ]

    @Test("each golden file of a client decodes to its message", arguments: messages)
    func decodes(_ golden: (name: String, message: ClientMessage)) throws {
        #expect(try ClientMessageDecoder.decode(GoldenFiles.read(golden.name)) == golden.message)
    }

    @Test("a message knows its type and its id", arguments: messages)
    func typeAndID(_ golden: (name: String, message: ClientMessage)) throws {
        let text = String(decoding: try GoldenFiles.read(golden.name), as: UTF8.self)
        #expect(text.hasPrefix(#"{"type":"\#(golden.message.type)""#))
        #expect(text.contains(#""id":"#) == (golden.message.id != nil))
        if let id = golden.message.id { #expect(text.contains(#""id":\#(id)"#)) }
    }

    @Test("no golden file of a client is left out")
    func complete() throws {
        #expect(try GoldenFiles.names(prefix: "client-") == Self.messages.map(\.name).sorted())
    }
}
