/// Reads lines that are JSON objects: nginx with `escape=json`, Caddy, Traefik and others, by the names that they use. Members of objects within
/// are found too (`request.uri` of Caddy). Bounded: no recursion, nesting to 32.
struct JSONLineParser {
    private struct Name: Sendable {
        let field: LogField
        /// The higher wins where a line has several.
        let rank: UInt8
    }

    private let names: NameTable<Name>
    /// Members whose insides say nothing of the request.
    private let skipped: NameTable<Bool>

    init(client: String?) {
        var entries: [(String, Name)] = []
        func add(_ field: LogField, _ names: [String]) {
            for (index, name) in names.enumerated() {
                entries.append((name, Name(field: field, rank: UInt8(names.count - index))))
            }
        }
        if let client { add(.client, [client]) }
        add(
            .address,
            [
                "client_ip", "clientIp", "ClientHost", "remote_addr", "remote_ip", "remoteIp", "remoteAddr", "client",
                "ip",
                "clientip", "remote_address", "host_ip",
            ])
        add(.forwardedFor, ["x_forwarded_for", "http_x_forwarded_for", "xff", "X-Forwarded-For"])
        add(.user, ["remote_user", "user_id", "user", "ClientUsername"])
        add(
            .time,
            [
                "msec", "time_iso8601", "@timestamp", "timestamp", "ts", "time", "time_local", "StartUTC", "datetime",
                "date",
            ])
        add(.request, ["request", "RequestLine", "request_line"])
        add(.method, ["request_method", "method", "RequestMethod", "verb", "http_method"])
        add(.target, ["request_uri", "RequestPath", "uri", "url", "path", "request_path", "target"])
        add(.query, ["query_string", "args", "query"])
        add(.status, ["status", "status_code", "DownstreamStatus", "response_code", "code", "statusCode"])
        add(
            .bytes,
            [
                "body_bytes_sent", "bytes_sent", "size", "DownstreamContentSize", "bytes", "response_size", "length",
                "content_length",
            ])
        add(.agent, ["http_user_agent", "user_agent", "User-Agent", "userAgent", "agent", "request_User-Agent"])
        add(.seconds, ["request_time", "duration", "latency"])
        add(.milliseconds, ["duration_ms", "latency_ms", "response_time_ms", "elapsed_ms"])
        names = NameTable(entries)
        skipped = NameTable(["resp_headers", "response_headers", "tls", "common_log"].map { ($0, true) })
    }

    func read(_ line: UnsafeRawBufferPointer, into fields: inout LineFields, decoded: inout [UInt8]) -> BadLine? {
        var ranks = Ranks()
        var cursor = Cursor(line: line)
        cursor.skipSpace()
        guard cursor.peek == 0x7B else { return .badJSON }
        var depth = 0
        /// The depth within a member that is skipped.
        var skipDepth: Int?
        var key: (field: Name?, isSkipped: Bool) = (nil, false)
        while let byte = cursor.peek {
            switch byte {
            case 0x7B, 0x5B:
                cursor.offset += 1
                depth += 1
                guard depth <= 32 else { return .badJSON }
                if key.isSkipped, skipDepth == nil { skipDepth = depth }
                if byte == 0x7B { key = (nil, false) }
            case 0x7D, 0x5D:
                cursor.offset += 1
                if skipDepth == depth { skipDepth = nil }
                depth -= 1
                if depth == 0 { return nil }
                key = (nil, false)
            case 0x22:
                guard let text = cursor.string() else { return .badJSON }
                cursor.skipSpace()
                if cursor.peek == 0x3A {
                    cursor.offset += 1
                    let hash = FastHash.of(text.bytes)
                    key = (names.value(of: hash), skipped.value(of: hash) != nil)
                } else {
                    if skipDepth == nil, let name = key.field, ranks.allows(name.field, name.rank),
                        let problem = take(name.field, text, into: &fields, decoded: &decoded)
                    {
                        return problem
                    }
                    // Of an array, such as a header's values, the first counts.
                    key.field = nil
                }
            case 0x2C, 0x20, 0x09, 0x0D: cursor.offset += 1
            default:
                let word = cursor.word()
                guard !word.isEmpty else { return .badJSON }
                if skipDepth == nil, let name = key.field, word.first != 0x6E, ranks.allows(name.field, name.rank),
                    let problem = take(name.field, (word, false), into: &fields, decoded: &decoded)
                {
                    return problem
                }
                key.field = nil
            }
            cursor.skipSpace()
        }
        return .badJSON
    }

    private func take(
        _ field: LogField, _ text: (bytes: UnsafeRawBufferPointer, isEscaped: Bool), into fields: inout LineFields,
        decoded: inout [UInt8]
    ) -> BadLine? {
        switch field {
        case .time:
            guard let time = LogTime.any(text.bytes) else { return .badTime }
            fields.time = time
            return nil
        case .request where text.bytes.isEmpty: return nil
        case .request, .target:
            guard text.isEscaped else { return fields.set(field, text.bytes) }
            let start = decoded.count
            Self.unescape(text.bytes, to: &decoded)
            var within = LineFields()
            fields.decodedTarget = decoded.withUnsafeBytes { all in
                let whole = UnsafeRawBufferPointer(rebasing: all[start...])
                guard within.set(field, whole) == nil, let base = whole.baseAddress,
                    let found = within.target.baseAddress
                else { return start..<start }
                let from = start + base.distance(to: found)
                return from..<(from + within.target.count)
            }
            if field == .request { fields.method = text.bytes.prefixWord }
            return nil
        case .bytes, .status:
            // Some write numbers as text, and a status that is not one yet as 0.
            if text.bytes.isEmpty { return nil }
            if field == .status, text.bytes.elementsEqual("0".utf8) {
                fields.status = 0
                return nil
            }
            return fields.set(field, text.bytes)
        case .address:
            return text.bytes.isEmpty ? nil : fields.set(field, text.bytes)
        default: return fields.set(field, text.bytes)
        }
    }

    /// Takes the better of several members for one field.
    private struct Ranks {
        private var ranks: (UInt64, UInt64) = (0, 0)

        mutating func allows(_ field: LogField, _ rank: UInt8) -> Bool {
            let slot: UInt64
            switch field {
            case .address: slot = 0
            case .time: slot = 1
            case .target: slot = 2
            case .status: slot = 3
            case .bytes: slot = 4
            case .user: slot = 5
            case .agent: slot = 6
            case .method: slot = 7
            default: return true
            }
            let shift = slot * 8
            let known = UInt8(truncatingIfNeeded: ranks.0 >> shift)
            guard rank > known else { return false }
            ranks.0 = ranks.0 & ~(0xFF << shift) | UInt64(rank) << shift
            return true
        }
    }

    private struct Cursor {
        let line: UnsafeRawBufferPointer
        var offset = 0

        var peek: UInt8? { offset < line.count ? line[offset] : nil }

        mutating func skipSpace() {
            while offset < line.count, line[offset] == 0x20 || line[offset] == 0x09 { offset += 1 }
        }

        /// The text between quotes, as it stands there.
        mutating func string() -> (bytes: UnsafeRawBufferPointer, isEscaped: Bool)? {
            let start = offset + 1
            var index = start
            var isEscaped = false
            while index < line.count {
                if line[index] == 0x22 {
                    offset = index + 1
                    return (UnsafeRawBufferPointer(rebasing: line[start..<index]), isEscaped)
                }
                if line[index] == 0x5C {
                    isEscaped = true
                    index += 1
                }
                index += 1
            }
            return nil
        }

        /// A number, or `true`, `false`, `null`.
        mutating func word() -> UnsafeRawBufferPointer {
            let start = offset
            while offset < line.count {
                switch line[offset] {
                case 0x30...0x39, 0x61...0x7A, 0x41...0x5A, 0x2B, 0x2D, 0x2E: offset += 1
                default: return UnsafeRawBufferPointer(rebasing: line[start..<offset])
                }
            }
            return UnsafeRawBufferPointer(rebasing: line[start..<offset])
        }
    }

    /// Go and others write `&` as `\u0026`, some `/` as `\/`. What is no escape stays as it is.
    private static func unescape(_ text: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        var index = 0
        while index < text.count {
            guard text[index] == 0x5C, index + 1 < text.count else {
                bytes.append(text[index])
                index += 1
                continue
            }
            let next = text[index + 1]
            index += 2
            switch next {
            case 0x6E, 0x72, 0x74, 0x62, 0x66: bytes.append(0x20)
            case 0x75:
                guard index + 4 <= text.count,
                    let number = UInt32(String(decoding: text[index..<(index + 4)], as: UTF8.self), radix: 16)
                else { continue }
                index += 4
                bytes.append(contentsOf: String(Unicode.Scalar(number) ?? "?").utf8)
            default: bytes.append(next)
            }
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Up to the first space.
    fileprivate var prefixWord: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: prefix { $0 != 0x20 })
    }
}
