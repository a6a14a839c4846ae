import DoorbellCore

/// Reads what a client sends: one JSON object a message.
///
/// Unknown members are ignored, of a member that stands twice the last one counts, and `null` means "not given". How long a
/// message may be is the frame parser's business; what is kept or passed on has its own limit here.
public enum ClientMessageDecoder {
    /// The longest `id`, in bytes of JSON text: it is kept and sent back.
    public static let maximumIDLength = 128
    /// The longest `poll` and `path`, in bytes: what HTTP servers commonly take as a request target.
    public static let maximumPollLength = 8192
    /// The most schema versions in one request.
    public static let maximumVersions = 32
    /// The longest `token`, in bytes: what HTTP servers commonly take as a header.
    public static let maximumTokenLength = 8192
    /// The longest `data` of a `publish`, in bytes of JSON text.
    public static let maximumDataLength = 65_536
    /// The longest `digest`, in bytes: 512 bits in hexadecimal.
    public static let maximumDigestLength = 128
    /// The longest `method` of a `request`, in bytes.
    public static let maximumMethodLength = 32
    /// The most `headers` of a `request`, and how many bytes their names and values have together.
    public static let maximumHeaders = 64
    public static let maximumHeadersLength = 8192
    /// The longest `body` of a `request`, in bytes of JSON text.
    public static let maximumBodyLength = 1 << 20

    /// - Throws: ``WireError`` when `bytes` is not a JSON object with a `type`, or a member that the type needs is missing or
    ///   has the wrong form.
    public static func decode(_ bytes: [UInt8]) throws(WireError) -> ClientMessage {
        let members = try ClientMessageMembers.read(bytes)
        let id = try members.id()
        let type = try members.required(.type, id)
        switch type {
        case "subscribe":
            return .subscribe(
                .init(
                    target: try target(members, id), since: try since(members, id), versions: try versions(members, id),
                    client: try client(members, id), patch: try members.flag(.patch, id), id: id))
        case "unsubscribe": return .unsubscribe(channel: try channel(members, id), id: id)
        case "ack":
            return .ack(channel: try channel(members, id), position: try position(members, id), id: id)
        case "auth": return .auth(token: try token(members, id), id: id)
        case "refresh": return .refresh(token: try token(members, id), id: id)
        case "request":
            guard let id else { throw WireError("'id' is missing") }
            return .request(try request(members, id))
        case "publish":
            let channel = try channel(members, id)
            guard let data = try members.raw(.data, limit: maximumDataLength, id) else {
                throw WireError("'data' is missing", id: id)
            }
            return .publish(channel: channel, data: data, id: id)
        case "presence": return .presence(channel: try channel(members, id), id: id)
        case "drift":
            return .drift(
                channel: try channel(members, id), position: try position(members, id), digest: try digest(members, id),
                id: id)
        case "ping": return .ping(id: id)
        default: return .unknown(type: type)
        }
    }

    // MARK: Members of several types

    private static func channel(_ members: ClientMessageMembers, _ id: String?) throws(WireError) -> String {
        try checked(channel: try members.required(.channel, id), id)
    }

    /// Whether it is a channel is not asked here: an unknown one has an error of its own. But it is sent back.
    private static func checked(channel: String, _ id: String?) throws(WireError) -> String {
        guard channel.utf8.count <= ChannelName.maximumLength else {
            throw WireError("'channel' may have at most \(ChannelName.maximumLength) bytes", id: id)
        }
        return channel
    }

    private static func position(_ members: ClientMessageMembers, _ id: String?) throws(WireError) -> Position {
        guard let position = Position(try members.required(.position, id)) else {
            throw WireError("'position' must be one that a message carried", id: id)
        }
        return position
    }

    private static func token(_ members: ClientMessageMembers, _ id: String?) throws(WireError) -> String {
        let token = try members.required(.token, id)
        guard (1...maximumTokenLength).contains(token.utf8.count) else {
            throw WireError("'token' must have 1 to \(maximumTokenLength) bytes", id: id)
        }
        guard isVisible(token) else {
            throw WireError("'token' must be visible ASCII, without 'Bearer ' before it", id: id)
        }
        return token
    }

    private static func digest(_ members: ClientMessageMembers, _ id: String?) throws(WireError) -> String {
        let digest = try members.required(.digest, id)
        guard (1...maximumDigestLength).contains(digest.utf8.count), isVisible(digest) else {
            throw WireError("'digest' must be 1 to \(maximumDigestLength) bytes of visible ASCII", id: id)
        }
        return digest
    }

    private static func client(_ members: ClientMessageMembers, _ id: String?) throws(WireError) -> String? {
        guard let client = try members.string(.client, id) else { return nil }
        guard isClient(client) else {
            throw WireError("'client' must be 1 to \(CursorKey.maximumClient) bytes of visible ASCII", id: id)
        }
        return client
    }

    /// Whether a text may name a client.
    public static func isClient(_ text: String) -> Bool {
        (1...CursorKey.maximumClient).contains(text.utf8.count) && isVisible(text)
    }

    static func isVisible(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    /// What goes into a request to the legacy API: nothing passes here that is not a request target.
    static func requestTarget(
        _ path: String, _ name: ClientMessageMembers.Name, _ id: String?
    ) throws(WireError) -> String {
        guard path.utf8.count <= maximumPollLength else {
            throw WireError("'\(name.rawValue)' may have at most \(maximumPollLength) bytes", id: id)
        }
        guard isVisible(path), !path.utf8.contains(0x23) else {
            throw WireError("'\(name.rawValue)' must be percent-encoded and have no spaces and no fragment", id: id)
        }
        return path
    }

    // MARK: Subscribe

    private static func target(
        _ members: ClientMessageMembers, _ id: String?
    ) throws(WireError) -> ClientMessage.Target {
        let channel = try members.string(.channel, id)
        let poll = try members.string(.poll, id)
        switch (channel, poll) {
        case (let channel?, nil): return .channel(try checked(channel: channel, id))
        case (nil, let poll?): return .poll(try path(poll, id))
        case (nil, nil): throw WireError("'channel' or 'poll' is missing", id: id)
        case (_?, _?): throw WireError("give 'channel' or 'poll', not both", id: id)
        }
    }

    private static func path(_ text: String, _ id: String?) throws(WireError) -> String {
        let path = text.hasPrefix("GET ") ? String(text.dropFirst(4)) : text
        guard path.hasPrefix("/") else {
            throw WireError("'poll' must be a path such as '/api/orders/42', with or without 'GET ' before it", id: id)
        }
        return try requestTarget(path, .poll, id)
    }

    private static func since(
        _ members: ClientMessageMembers, _ id: String?
    ) throws(WireError) -> ClientMessage.Since? {
        guard let text = try members.string(.since, id), text != "latest" else { return nil }
        if text == "earliest" { return .earliest }
        return Position(text).map { .position($0) } ?? .unrecognised
    }

    private static func versions(
        _ members: ClientMessageMembers, _ id: String?
    ) throws(WireError) -> [SchemaVersion] {
        guard let range = members[.version] else { return [] }
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
