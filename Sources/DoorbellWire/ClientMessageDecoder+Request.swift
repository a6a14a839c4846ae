import DoorbellCore

extension ClientMessageDecoder {
    /// A call to the legacy API. It becomes an HTTP request, so its parts have the grammar of HTTP (RFC 9110, sections 5 and
    /// 9.1) and nothing that could end a line or begin another request.
    static func request(_ members: ClientMessageMembers, _ id: String) throws(WireError) -> ClientMessage.Request {
        let method = try members.required(.method, id)
        guard (1...maximumMethodLength).contains(method.utf8.count), method.utf8.allSatisfy(isTokenByte) else {
            throw WireError("'method' must be an HTTP method", id: id)
        }
        let path = try members.required(.path, id)
        guard path.hasPrefix("/") else {
            throw WireError("'path' must be a path such as '/api/orders/42'", id: id)
        }
        return ClientMessage.Request(
            id: id, method: method, path: try requestTarget(path, .path, id), headers: try headers(members, id),
            body: try body(members, id))
    }

    private static func body(
        _ members: ClientMessageMembers, _ id: String
    ) throws(WireError) -> ClientMessage.Request.Body {
        guard let raw = try members.raw(.body, limit: maximumBodyLength, id) else { return .none }
        guard raw.first == 0x22 else { return .json(raw) }
        return .text(JSONScanner.plainText(raw[...]) ?? "")
    }

    private static func headers(
        _ members: ClientMessageMembers, _ id: String
    ) throws(WireError) -> [HeaderField] {
        guard let range = members[.headers] else { return [] }
        var scanner = JSONScanner(Array(members.bytes[range]))
        guard scanner.peek() == 0x7B else { throw WireError("'headers' must be an object", id: id) }
        var headers: [HeaderField] = []
        var length = 0
        var fault: String?
        do {
            try scanner.object { (name, scanner) throws(JSONError) in
                guard scanner.peek() == 0x22 else { throw JSONError("expected a string", at: scanner.offset) }
                let value = try scanner.string()
                length += name.utf8.count + value.utf8.count
                if headers.count == maximumHeaders || length > maximumHeadersLength {
                    fault = "'headers' may have at most \(maximumHeaders) members and \(maximumHeadersLength) bytes"
                } else if name.isEmpty || !name.utf8.allSatisfy(isTokenByte) || !value.utf8.allSatisfy(isValueByte) {
                    fault = "'headers' has a name or a value that HTTP does not allow"
                } else {
                    headers.append(HeaderField(name, value))
                }
                // Out of the object: what is kept stays bounded, whatever follows.
                if fault != nil { throw JSONError("", at: scanner.offset) }
            }
        } catch {
            throw WireError(fault ?? "'headers' must be an object of strings", id: id)
        }
        return headers
    }

    /// `tchar` of RFC 9110, section 5.6.2.
    public static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E, 0x5E...0x60, 0x7C, 0x7E: true
        default: false
        }
    }

    private static func isValueByte(_ byte: UInt8) -> Bool { byte == 0x09 || byte >= 0x20 && byte < 0x7F }
}
