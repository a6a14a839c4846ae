public import DoorbellCore

extension ServerMessage {
    /// The message as a text frame. Members stand in the order of the tables in PROTOCOL.md, `type` first; optional ones that
    /// are `nil` are left out.
    public func encoded() -> EncodedMessage {
        var frame = FrameBuilder(capacity: 192)
        switch self {
        case .welcome(let session, let heartbeat, let resumed):
            frame.append(#"{"type":"welcome","session":"#)
            frame.append(string: session)
            frame.append(#","heartbeat":"#)
            frame.append(Int64(heartbeat))
            frame.append(#","protocol":"#)
            frame.append(Int64(ProtocolVersion.current.number))
            frame.append(#","resumed":"#)
            frame.append(resumed)
        case .subscribed(let subscribed):
            subscribed.append(to: &frame)
        case .unsubscribed(let channel, let reason, let id):
            frame.append(#"{"type":"unsubscribed","channel":"#)
            frame.append(plain: channel.rawValue)
            frame.append(#","reason":"#)
            frame.append(string: reason)
            frame.append(id: id)
        case .reset(let channel, let reason, let position):
            frame.append(reset: channel, reason: reason, position: position)
        case .conflated(let channel, let through, let dropped):
            frame.append(#"{"type":"conflated","channel":"#)
            frame.append(plain: channel.rawValue)
            frame.append(#","through":"#)
            frame.append(through)
            frame.append(#","dropped":"#)
            frame.append(Int64(dropped))
        case .answer(let answer):
            answer.append(to: &frame)
        case .response(let response):
            response.append(to: &frame)
        case .presence(let presence):
            presence.append(to: &frame)
        case .refreshed(let expires, let id):
            frame.append(#"{"type":"refreshed""#)
            if let expires {
                frame.append(#","expires":"#)
                frame.append(expires)
            }
            frame.append(id: id)
        case .published(let channel, let id):
            frame.append(#"{"type":"published","channel":"#)
            frame.append(plain: channel.rawValue)
            frame.append(id: id)
        case .pong(let id):
            frame.append(#"{"type":"pong""#)
            frame.append(id: id)
        case .transport(let feature, let use):
            frame.append(#"{"type":"transport","feature":"#)
            frame.append(string: feature)
            frame.append(#","use":"#)
            frame.append(plain: use.rawValue)
        case .error(let code, let message, let id, let channel):
            frame.append(#"{"type":"error","code":"#)
            frame.append(plain: code.rawValue)
            frame.append(#","message":"#)
            frame.append(string: message)
            frame.append(id: id)
            if let channel {
                frame.append(#","channel":"#)
                frame.append(string: channel)
            }
        case .goodbye(let reason, let reconnectAfter):
            frame.append(#"{"type":"goodbye","reason":"#)
            frame.append(string: reason)
            frame.append(#","reconnectAfter":"#)
            frame.append(Int64(reconnectAfter))
        }
        frame.append("}")
        return frame.finish(type: type, position: position)
    }
}

extension ServerMessage {
    /// The `type` on the wire.
    public var type: String {
        switch self {
        case .welcome: "welcome"
        case .subscribed: "subscribed"
        case .unsubscribed: "unsubscribed"
        case .reset: "reset"
        case .conflated: "conflated"
        case .answer: "answer"
        case .response: "response"
        case .presence: "presence"
        case .refreshed: "refreshed"
        case .published: "published"
        case .pong: "pong"
        case .transport: "transport"
        case .error: "error"
        case .goodbye: "goodbye"
        }
    }

    /// Where a client that got this message goes on.
    private var position: Position? {
        switch self {
        case .subscribed(let subscribed): subscribed.position
        case .reset(_, _, let position): position
        case .answer(let answer): answer.position
        case .welcome, .unsubscribed, .conflated, .response, .presence, .refreshed, .published, .pong, .transport,
            .error,
            .goodbye:
            nil
        }
    }
}

extension ServerMessage.Subscribed {
    fileprivate func append(to frame: inout FrameBuilder) {
        frame.append(#"{"type":"subscribed","channel":"#)
        frame.append(plain: channel.rawValue)
        frame.append(#","position":"#)
        frame.append(position)
        frame.append(#","recovered":"#)
        frame.append(recovered)
        frame.append(#","version":"#)
        frame.append(Int64(version.number))
        frame.append(id: id)
        guard let snapshot else { return }
        frame.append(#","snapshot":{"status":"#)
        frame.append(Int64(snapshot.status))
        if let etag = snapshot.etag {
            frame.append(#","etag":"#)
            frame.append(string: etag)
        }
        frame.append(#","body":"#)
        if snapshot.body.isEmpty { frame.append("null") } else { frame.append(raw: snapshot.body) }
        frame.append("}")
    }
}

extension FrameBuilder {
    mutating func append(id: String?) {
        guard let id else { return }
        append(#","id":"#)
        append(raw: id)
    }

    /// Everything but the closing brace.
    mutating func append(reset channel: ChannelName, reason: String, position: Position) {
        append(#"{"type":"reset","channel":"#)
        append(plain: channel.rawValue)
        append(#","reason":"#)
        append(string: reason)
        append(#","position":"#)
        append(position)
    }
}

extension ServerMessage.Snapshot {
    /// A poll answer as it came over HTTP: the bytes stay as they are when they are valid JSON that is not
    /// nested too deeply to be a part of a message, else they become a JSON string
    /// (bytes that are not UTF-8 become U+FFFD). An answer without a body (304, 204) becomes `null`.
    public init(status: Int, etag: String?, answer: [UInt8]) {
        self.init(status: status, etag: etag, body: Self.json(of: answer))
    }

    private static func json(of answer: [UInt8]) -> [UInt8] {
        if answer.isEmpty { return Array("null".utf8) }
        return JSONText.isEmbeddable(answer) ? answer : JSONText.string(answer)
    }
}
