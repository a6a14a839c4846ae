public import DoorbellCore

/// One event of a `text/event-stream` (WHATWG HTML, section 9.2), and what else such a stream carries.
public struct ServerSentEvent: Sendable {
    /// What listeners are called by; `nil`: `message`. Left out when it has a line break, which could begin another field.
    public var event: String?
    /// What the client sends back as `Last-Event-ID` from now on; `nil`: what it had before.
    public var id: Position?
    /// `nil`: no listener is called.
    public var data: ArraySlice<UInt8>?
    /// Milliseconds until a client that lost its connection comes back, from now on.
    public var retry: Int?

    /// What keeps a stream alive through proxies: an empty comment, which clients drop.
    public static let heartbeat: [UInt8] = Array(":\n\n".utf8)

    public init(event: String? = nil, id: Position? = nil, data: ArraySlice<UInt8>? = nil, retry: Int? = nil) {
        self.event = event
        self.id = id
        self.data = data
        self.retry = retry
    }

    /// The bytes of the event, with the empty line that ends it.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        // 128: the names of the fields, a position and a number.
        bytes.reserveCapacity(128 + (event?.utf8.count ?? 0) + (data?.count ?? 0))
        if let retry { Self.append("retry: ", String(max(0, retry)).utf8, to: &bytes) }
        if let event, !event.isEmpty, !event.utf8.contains(where: Self.isLineBreak) {
            Self.append("event: ", event.utf8, to: &bytes)
        }
        if let id { Self.append("id: ", id.description.utf8, to: &bytes) }
        if let data { Self.append(data: data, to: &bytes) }
        bytes.append(0x0A)
        return bytes
    }

    /// A message as one event whose `data` is its JSON. It has no name, so that `onmessage` hears all of them, as on a WebSocket; the
    /// type stands in the JSON, where a message called `error` is not taken for a lost connection. Made once for all streams, and shared, unless `id` is neither the
    /// message's own position nor `nil`.
    public static func encode(_ message: EncodedMessage, id: Position?) -> [UInt8] {
        let make = { (message: EncodedMessage) in
            ServerSentEvent(id: id, data: message.payload).encoded()
        }
        guard let id else { return message.bytes(as: .eventWithoutID, make: make) }
        return id == message.position ? message.bytes(as: .event, make: make) : make(message)
    }

    private static func append(_ name: StaticString, _ value: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(contentsOf: value)
        bytes.append(0x0A)
    }

    /// Every line becomes a field of its own, and the client puts line feeds between them: in JSON line breaks stand between
    /// values only, where one is as good as another.
    private static func append(data: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        var rest = data
        while let end = rest.firstIndex(where: isLineBreak) {
            append("data: ", rest[..<end], to: &bytes)
            let isPair = rest[end] == 0x0D && end + 1 < rest.endIndex && rest[end + 1] == 0x0A
            rest = rest[(end + (isPair ? 2 : 1))...]
        }
        append("data: ", rest, to: &bytes)
    }

    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
