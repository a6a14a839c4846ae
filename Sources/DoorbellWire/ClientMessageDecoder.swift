import DoorbellCore

/// Reads what a client sends: one JSON object a message.
///
/// Unknown members are ignored, of a member that stands twice the last one counts, and `null` means "not given". How long a
/// message may be is the frame parser's business.
public enum ClientMessageDecoder {
    /// The longest `id`, in bytes of JSON text: it is kept and sent back.
    public static let maximumIDLength = 128
    /// The longest `poll`, in bytes: what HTTP servers commonly take as a request target.
    public static let maximumPollLength = 8192
    /// The most schema versions in one request.
    public static let maximumVersions = 32

    /// - Throws: ``WireError`` when `bytes` is not a JSON object with a `type`, or a member that the type needs is missing or
    ///   has the wrong form.
    public static func decode(_ bytes: [UInt8]) throws(WireError) -> ClientMessage {
        let members = try Members.read(bytes)
        let id = try members.id()
        guard let type = try members.string("type", members.type, id) else {
            throw WireError("'type' is missing", id: id)
        }
        switch type {
        case "subscribe":
            return .subscribe(
                .init(
                    target: try target(members, id), since: try since(members, id), versions: try versions(members, id),
                    id: id))
        case "unsubscribe":
            guard let channel = try members.string("channel", members.channel, id) else {
                throw WireError("'channel' is missing", id: id)
            }
            return .unsubscribe(channel: channel, id: id)
        case "ping": return .ping(id: id)
        default: return .unknown(type: type)
        }
    }

    private static func target(_ members: Members, _ id: String?) throws(WireError) -> ClientMessage.Target {
        let channel = try members.string("channel", members.channel, id)
        let poll = try members.string("poll", members.poll, id)
        switch (channel, poll) {
        case (let channel?, nil): return .channel(channel)
        case (nil, let poll?): return .poll(try path(poll, id))
        case (nil, nil): throw WireError("'channel' or 'poll' is missing", id: id)
        case (_?, _?): throw WireError("give 'channel' or 'poll', not both", id: id)
        }
    }

    /// The path goes into a request to the legacy API later, so nothing passes here that is not a request target.
    private static func path(_ text: String, _ id: String?) throws(WireError) -> String {
        let path = text.hasPrefix("GET ") ? String(text.dropFirst(4)) : text
        guard path.hasPrefix("/") else {
            throw WireError("'poll' must be a path such as '/api/orders/42', with or without 'GET ' before it", id: id)
        }
        guard path.utf8.count <= maximumPollLength else {
            throw WireError("'poll' may have at most \(maximumPollLength) bytes", id: id)
        }
        guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x23 }) else {
            throw WireError("'poll' must be percent-encoded and have no spaces and no fragment", id: id)
        }
        return path
    }

    private static func since(_ members: Members, _ id: String?) throws(WireError) -> ClientMessage.Since? {
        guard let text = try members.string("since", members.since, id), text != "latest" else { return nil }
        if text == "earliest" { return .earliest }
        return Position(text).map { .position($0) } ?? .unrecognised
    }

    private static func versions(_ members: Members, _ id: String?) throws(WireError) -> [SchemaVersion] {
        guard let range = members.version else { return [] }
        var scanner = JSONScanner(Array(members.bytes[range]))
        var versions: [SchemaVersion] = []
        var count = 0
        do {
            if scanner.peek() == 0x5B {
                try scanner.array { (scanner) throws(JSONError) in
                    count += 1
                    let number = try scanner.integer()
                    guard count <= maximumVersions else { return }
                    guard let version = SchemaVersion(number) else { throw JSONError("out of range", at: 0) }
                    versions.append(version)
                }
            } else {
                guard let version = SchemaVersion(try scanner.integer()) else { throw JSONError("out of range", at: 0) }
                versions.append(version)
            }
        } catch {
            throw WireError("'version' must be a whole number from 1 to 65535, or a list of them", id: id)
        }
        guard count <= maximumVersions else {
            throw WireError("'version' may list at most \(maximumVersions) versions", id: id)
        }
        return versions
    }
}

/// Where the members that matter stand in the text. Their types are looked at only when the message's type asks for them,
/// because a later version may give other types of message members of the same name.
private struct Members {
    let bytes: [UInt8]
    var type: Range<Int>?
    var channel: Range<Int>?
    var poll: Range<Int>?
    var since: Range<Int>?
    var version: Range<Int>?
    private var idRange: Range<Int>?

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: [UInt8]) throws(WireError) -> Members {
        var scanner = JSONScanner(bytes)
        guard scanner.peek() == 0x7B else { throw WireError("a message must be one JSON object") }
        var found = Members(bytes)
        do {
            try scanner.object { (key, scanner) throws(JSONError) in
                let range = try scanner.skipValue()
                let value = bytes[range.lowerBound] == 0x6E ? nil : range
                switch key {
                case "type": found.type = value
                case "channel": found.channel = value
                case "poll": found.poll = value
                case "since": found.since = value
                case "version": found.version = value
                case "id": found.idRange = value
                default: break
                }
            }
            try scanner.end()
        } catch {
            throw WireError("not valid JSON: \(error)", id: try? found.id())
        }
        return found
    }

    func id() throws(WireError) -> String? {
        guard let range = idRange else { return nil }
        switch bytes[range.lowerBound] {
        case 0x22, 0x2D, 0x30...0x39: break
        default: throw WireError("'id' must be a string or a number")
        }
        guard range.count <= ClientMessageDecoder.maximumIDLength else {
            throw WireError("'id' may have at most \(ClientMessageDecoder.maximumIDLength) bytes")
        }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    func string(_ name: String, _ range: Range<Int>?, _ id: String?) throws(WireError) -> String? {
        guard let range else { return nil }
        guard bytes[range.lowerBound] == 0x22 else { throw WireError("'\(name)' must be a string", id: id) }
        return JSONScanner.plainText(bytes[range])
    }
}
