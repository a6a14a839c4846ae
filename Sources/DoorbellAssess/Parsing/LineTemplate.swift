/// A log's line as places between fixed text: what the formats of nginx (`$remote_addr - $remote_user [$time_local] …`) and Apache
/// (`%h %l %u %t "%r" %>s %b`) describe. Parsed once.
struct LineTemplate: Sendable {
    struct Step: Sendable {
        let field: LogField
        /// The text behind the field; empty: to the end of the line.
        let end: [UInt8]
        /// Whether the field is in quotes, in which a backslash guards the next character.
        var isQuoted: Bool { end.first == 0x22 }
        /// Whether the field can have spaces in it.
        let mayHaveSpaces: Bool
    }

    /// Text before the first field.
    let prefix: [UInt8]
    let steps: [Step]

    struct SyntaxError: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter client: A variable of `text` that says who the client is, such as `$cookie_session`.
    init(_ text: String, client: String? = nil) throws(SyntaxError) {
        let isNginx = text.contains("$") && !text.contains("%")
        var pieces = try isNginx ? Self.nginx(text, client) : Self.apache(text, client)
        if !isNginx, !pieces.contains(where: { if case .field = $0 { true } else { false } }) {
            throw SyntaxError(description: "'\(text)' has neither variables like $remote_addr nor directives like %h")
        }
        var prefix: [UInt8] = []
        if case .text(let first) = pieces.first {
            prefix = first
            pieces.removeFirst()
        }
        var steps: [Step] = []
        for (index, piece) in pieces.enumerated() {
            guard case .field(let field, let name) = piece else { continue }
            var end: [UInt8] = []
            if index + 1 < pieces.count {
                guard case .text(let text) = pieces[index + 1] else {
                    throw SyntaxError(description: "nothing stands between '\(name)' and what follows it")
                }
                end = text
            }
            let mayHaveSpaces =
                switch field {
                case .time, .request, .user, .agent, .client, .forwardedFor: true
                default: end.first == 0x22 || end.first == 0x5D
                }
            steps.append(Step(field: field, end: end, mayHaveSpaces: mayHaveSpaces))
        }
        // Quotes are often left open behind the last field that is wanted: `"%{User-agent}i` would be to the end of the line.
        let fields = Set(steps.map(\.field))
        for (needed, what) in [
            ([LogField.time], "a time ($time_local, %t)"),
            ([.request, .target], "the request ($request, $request_uri, %r)"),
            ([.address, .forwardedFor, .addressAndPort, .client], "the client's address ($remote_addr, %h)"),
        ] where fields.isDisjoint(with: needed) {
            throw SyntaxError(description: "the format has not \(what)")
        }
        if client != nil, !fields.contains(.client) {
            throw SyntaxError(description: "the format does not have '\(client ?? "")'")
        }
        self.prefix = prefix
        self.steps = steps
    }

    private enum Piece {
        case text([UInt8])
        case field(LogField, String)
    }

    private static func append(_ byte: UInt8, to pieces: inout [Piece]) {
        if case .text(var text) = pieces.last {
            text.append(byte)
            pieces[pieces.count - 1] = .text(text)
        } else {
            pieces.append(.text([byte]))
        }
    }

    private static func nginx(_ text: String, _ client: String?) throws(SyntaxError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text.utf8[...]
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == 0x24 else {
                append(byte, to: &pieces)
                continue
            }
            let isBraced = rest.first == 0x7B
            if isBraced { rest = rest.dropFirst() }
            let name = rest.prefix { $0 == 0x5F || (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) }
            rest = rest.dropFirst(name.count)
            if isBraced {
                guard rest.first == 0x7D else { throw SyntaxError(description: "'${' without '}' in '\(text)'") }
                rest = rest.dropFirst()
            }
            let word = String(Substring(name))
            guard !word.isEmpty else { throw SyntaxError(description: "'$' without a name in '\(text)'") }
            pieces.append(.field("$" + word == client ? .client : variable(word), "$" + word))
        }
        return pieces
    }

    private static func variable(_ name: String) -> LogField {
        switch name {
        case "remote_addr", "realip_remote_addr", "binary_remote_addr", "client_ip": .address
        case "http_x_forwarded_for", "proxy_add_x_forwarded_for": .forwardedFor
        case "remote_user": .user
        case "time_local", "time_iso8601", "msec": .time
        case "request": .request
        case "request_method": .method
        case "request_uri", "uri", "document_uri": .target
        case "args", "query_string": .query
        case "status": .status
        case "body_bytes_sent", "bytes_sent": .bytes
        case "http_user_agent": .agent
        case "request_time": .seconds
        default: .ignored
        }
    }

    private static func apache(_ text: String, _ client: String?) throws(SyntaxError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text.utf8[...]
        while let byte = rest.first {
            rest = rest.dropFirst()
            guard byte == 0x25 else {
                // As it stands in httpd.conf: \" inside of quotes.
                if byte == 0x5C, rest.first == 0x22 { continue }
                append(byte, to: &pieces)
                continue
            }
            if rest.first == 0x25 {
                rest = rest.dropFirst()
                append(byte, to: &pieces)
                continue
            }
            let start = rest
            rest = rest.drop { $0 == 0x3E || $0 == 0x3C || $0 == 0x21 || $0 == 0x2C || (0x30...0x39).contains($0) }
            var argument: String?
            if rest.first == 0x7B {
                guard let end = rest.firstIndex(of: 0x7D) else {
                    throw SyntaxError(description: "'%{' without '}' in '\(text)'")
                }
                argument = String(Substring(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            }
            guard let letter = rest.first else { throw SyntaxError(description: "'%' at the end of '\(text)'") }
            rest = rest.dropFirst()
            let name = "%" + String(Substring(start[..<rest.startIndex]))
            if letter == 0x5E { rest = rest.dropFirst(2) }
            if name == client {
                pieces.append(.field(.client, name))
            } else if letter == 0x74, argument == nil {
                append(0x5B, to: &pieces)
                pieces.append(.field(.time, name))
                append(0x5D, to: &pieces)
            } else {
                pieces.append(.field(directive(letter, argument), name))
            }
        }
        return pieces
    }

    private static func directive(_ letter: UInt8, _ argument: String?) -> LogField {
        let header = argument?.lowercased()
        switch Character(Unicode.Scalar(letter)) {
        case "h", "a": return .address
        case "u": return .user
        case "t": return .time
        case "r": return .request
        case "m": return .method
        case "U": return .target
        case "q": return .query
        case "s": return .status
        case "b", "B", "O": return .bytes
        case "D": return .microseconds
        case "T": return header == "ms" ? .milliseconds : header == "us" ? .microseconds : .seconds
        case "i" where header == "user-agent": return .agent
        case "i" where header == "x-forwarded-for": return .forwardedFor
        case "n" where header == "client:port": return .addressAndPort
        default: return .ignored
        }
    }
}
