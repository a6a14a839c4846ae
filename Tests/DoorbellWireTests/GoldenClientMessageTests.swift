import DoorbellCore
import DoorbellWire
import Testing

@Suite struct GoldenClientMessageTests {
    static let position = Position(epoch: 7, tick: 1042, seq: 88301)
    static let one = SchemaVersion.first
    static let two = SchemaVersion(2)!

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
        ("client-subscribe-version", .subscribe(.init(target: .channel("orders:42"), versions: [two]))),
        ("client-unsubscribe", .unsubscribe(channel: "orders:42", id: nil)),
        ("client-unsubscribe-id", .unsubscribe(channel: "orders:42", id: #""u-1""#)),
        ("client-ping", .ping(id: nil)),
        ("client-ping-id", .ping(id: "3")),
        ("client-unknown", .unknown(type: "wave")),
    ]

    @Test("each golden file of a client decodes to its message", arguments: messages)
    func decodes(_ golden: (name: String, message: ClientMessage)) throws {
        #expect(try ClientMessageDecoder.decode(GoldenFiles.read(golden.name)) == golden.message)
    }

    @Test("no golden file of a client is left out")
    func complete() throws {
        #expect(try GoldenFiles.names(prefix: "client-") == Self.messages.map(\.name).sorted())
    }
}
