import DoorbellCore

/// Where the members that matter stand in the text of a client's message.
///
/// Their types are looked at only when the message's type asks for them, because a later version may give other types of
/// message members of the same name.
struct ClientMessageMembers {
    enum Name: String {
        case type, id, channel, poll, since, version, position, token, method, path, headers, body, data, digest,
            client, patch

        /// The same as by raw value, at a third of the time.
        init?(_ key: String) {
            switch key {
            case "type": self = .type
            case "id": self = .id
            case "channel": self = .channel
            case "poll": self = .poll
            case "since": self = .since
            case "version": self = .version
            case "position": self = .position
            case "token": self = .token
            case "method": self = .method
            case "path": self = .path
            case "headers": self = .headers
            case "body": self = .body
            case "data": self = .data
            case "digest": self = .digest
            case "client": self = .client
            case "patch": self = .patch
            default: return nil
            }
        }
    }

    let bytes: [UInt8]
    private var found: [(name: Name, range: Range<Int>?)] = []

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func read(_ bytes: [UInt8]) throws(WireError) -> ClientMessageMembers {
        var scanner = JSONScanner(bytes)
        guard scanner.peek() == 0x7B else { throw WireError("a message must be one JSON object") }
        var members = ClientMessageMembers(bytes)
        do {
            try scanner.object { (key, scanner) throws(JSONError) in
                let range = try scanner.skipValue()
                guard let name = Name(key) else { return }
                members.set(name, bytes[range.lowerBound] == 0x6E ? nil : range)
            }
            try scanner.end()
        } catch {
            throw WireError("not valid JSON: \(error)", id: try? members.id())
        }
        return members
    }

    /// At most one entry a name, so a message of nothing but repeated names stays cheap.
    private mutating func set(_ name: Name, _ range: Range<Int>?) {
        if let index = found.firstIndex(where: { $0.name == name }) {
            found[index].range = range
        } else {
            found.append((name, range))
        }
    }

    /// `nil`: not given, or `null`.
    subscript(name: Name) -> Range<Int>? { found.first { $0.name == name }?.range }

    func id() throws(WireError) -> String? {
        guard let range = self[.id] else { return nil }
        switch bytes[range.lowerBound] {
        case 0x22, 0x2D, 0x30...0x39: break
        default: throw WireError("'id' must be a string or a number")
        }
        guard range.count <= ClientMessageDecoder.maximumIDLength else {
            throw WireError("'id' may have at most \(ClientMessageDecoder.maximumIDLength) bytes")
        }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    func string(_ name: Name, _ id: String?) throws(WireError) -> String? {
        guard let range = self[name] else { return nil }
        guard bytes[range.lowerBound] == 0x22 else { throw WireError("'\(name.rawValue)' must be a string", id: id) }
        return JSONScanner.plainText(bytes[range])
    }

    /// `false`: not given.
    func flag(_ name: Name, _ id: String?) throws(WireError) -> Bool {
        guard let range = self[name] else { return false }
        switch String(decoding: bytes[range], as: UTF8.self) {
        case "true": return true
        case "false": return false
        default: throw WireError("'\(name.rawValue)' must be true or false", id: id)
        }
    }

    /// A string that the message's type cannot do without.
    func required(_ name: Name, _ id: String?) throws(WireError) -> String {
        guard let text = try string(name, id) else { throw WireError("'\(name.rawValue)' is missing", id: id) }
        return text
    }

    /// The value as it stands in the message.
    func raw(_ name: Name, limit: Int, _ id: String?) throws(WireError) -> [UInt8]? {
        guard let range = self[name] else { return nil }
        guard range.count <= limit else {
            throw WireError("'\(name.rawValue)' may have at most \(limit) bytes", id: id)
        }
        let value = Array(bytes[range])
        guard JSONText.depth(value) <= JSONText.maximumDepth else {
            throw WireError("'\(name.rawValue)' may be nested at most \(JSONText.maximumDepth) deep", id: id)
        }
        return value
    }
}
