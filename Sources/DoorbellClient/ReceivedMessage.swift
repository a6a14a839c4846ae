public import DoorbellCore

/// A server message as tools read it: whatever of the known members is there and has the right form. Nothing is required but
/// a JSON object with a `type`.
public struct ReceivedMessage: Sendable {
    /// The whole text.
    public let raw: [UInt8]
    public let type: String
    public private(set) var channel: String?
    public private(set) var version: Int?
    /// As sent; clients compare for equality.
    public private(set) var position: String?
    /// `nil` when there is none or it is `null`.
    public private(set) var previous: String?
    public private(set) var operation: Operation?
    /// Raw JSON.
    public private(set) var key: [UInt8]?
    /// Raw JSON.
    public private(set) var data: [UInt8]?
    public private(set) var changed: [String]?
    /// Unix milliseconds of the commit.
    public private(set) var timestamp: Int64?
    /// Raw JSON, as it was sent with the request.
    public private(set) var id: String?
    public private(set) var recovered: Bool?
    /// Raw JSON: the object with `status`, `etag?` and `body`.
    public private(set) var snapshot: [UInt8]?
    /// Of an `answer`: the new body, or the patch to the one before. Raw JSON.
    public private(set) var body: [UInt8]?
    public private(set) var reason: String?
    /// Of an `error`.
    public private(set) var code: String?
    /// Of an `error`.
    public private(set) var message: String?
    /// Of a `transport`.
    public private(set) var feature: String?
    /// Of a `transport`: `poll` or `push`.
    public private(set) var use: String?
    /// Of a `welcome`.
    public private(set) var session: String?
    /// Of a `welcome`, in seconds.
    public private(set) var heartbeat: Int64?
    /// Of a `goodbye`, in milliseconds.
    public private(set) var reconnectAfter: Int64?
    /// Of a `conflated`: the position up to which messages were left out.
    public private(set) var through: String?
    /// Of a `conflated`: how many.
    public private(set) var dropped: Int64?
    /// Of a `batch`: its messages, those that can be read. A batch within a batch is nothing.
    public private(set) var batch: [ReceivedMessage] = []

    /// `nil` when the text is not a JSON object with a string `type`.
    public init?(_ text: [UInt8]) { self.init(text, isPart: false) }

    private init?(_ text: [UInt8], isPart: Bool) {
        var members: [String: Range<Int>] = [:]
        var scanner = JSONScanner(text)
        do {
            try scanner.object { (name, scanner) throws(JSONError) in members[name] = try scanner.skipValue() }
            try scanner.end()
        } catch {
            return nil
        }
        func raw(_ name: String) -> [UInt8]? {
            members[name].flatMap { text[$0].elementsEqual("null".utf8) ? nil : Array(text[$0]) }
        }
        func string(_ name: String) -> String? {
            members[name].flatMap { text[$0].first == 0x22 ? JSONScanner.plainText(text[$0]) : nil }
        }
        func number(_ name: String) -> Int64? { raw(name).flatMap { Int64(String(decoding: $0, as: UTF8.self)) } }

        guard let type = string("type") else { return nil }
        self.raw = text
        self.type = type
        channel = string("channel")
        version = number("version").map { Int($0) }
        position = string("position")
        previous = string("previous")
        operation = string("op").flatMap { Operation(rawValue: $0) }
        key = raw("key")
        data = raw("data")
        changed = raw("changed").flatMap(Self.names)
        timestamp = number("timestamp")
        id = raw("id").map { String(decoding: $0, as: UTF8.self) }
        recovered = raw("recovered").flatMap { Bool(String(decoding: $0, as: UTF8.self)) }
        snapshot = raw("snapshot")
        body = type == "answer" ? raw("body") ?? raw("patch") : nil
        reason = string("reason")
        code = string("code")
        message = string("message")
        feature = string("feature")
        use = string("use")
        session = string("session")
        heartbeat = number("heartbeat")
        reconnectAfter = number("reconnectAfter")
        through = string("through")
        dropped = number("dropped")
        guard type == "batch" else { return }
        if isPart { return nil }
        batch = raw("messages").map(Self.parts) ?? []
    }

    private static func parts(_ json: [UInt8]) -> [ReceivedMessage] {
        var scanner = JSONScanner(json)
        var parts: [Range<Int>] = []
        do {
            try scanner.array { (scanner) throws(JSONError) in parts.append(try scanner.skipValue()) }
        } catch {
            return []
        }
        return parts.compactMap { ReceivedMessage(Array(json[$0]), isPart: true) }
    }

    private static func names(_ json: [UInt8]) -> [String]? {
        var scanner = JSONScanner(json)
        var names: [String] = []
        do {
            try scanner.array { (scanner) throws(JSONError) in names.append(try scanner.string()) }
            return names
        } catch {
            return nil
        }
    }

    /// The message itself, or those of a batch, in order.
    public var each: [ReceivedMessage] { type == "batch" ? batch : [self] }

    /// Whether this is one of a channel's messages, which have a place in it: a change under whatever type the feature gave
    /// it, or a signal.
    public var isPublication: Bool {
        switch type {
        case "subscribed", "reset", "unsubscribed", "error", "welcome", "goodbye", "transport", "pong": false
        default: channel != nil && position != nil
        }
    }
}
