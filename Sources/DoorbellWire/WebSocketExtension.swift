/// One extension in a `Sec-WebSocket-Extensions` header (RFC 6455, section 9.1).
public struct WebSocketExtension: Equatable, Sendable {
    public struct Parameter: Equatable, Sendable {
        public let name: String
        /// Without its quotes; `nil`: a name alone.
        public let value: String?

        public init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
    }

    /// The most extensions in a request, and the most parameters of each.
    public static let maximumExtensions = 16
    public static let maximumParameters = 16

    public let name: String
    public let parameters: [Parameter]

    public init(_ name: String, _ parameters: [Parameter] = []) {
        self.name = name
        self.parameters = parameters
    }

    /// What a request offers, best first.
    ///
    /// - Parameter fields: The values of all its `Sec-WebSocket-Extensions` fields, in order.
    /// - Returns: `nil` when they do not have the grammar or are too many. The handshake must then fail with 400 (section 9.1).
    public static func parse(_ fields: [String]) -> [WebSocketExtension]? {
        var extensions: [WebSocketExtension] = []
        for field in fields {
            var scanner = Scanner(rest: Array(field.utf8)[...])
            repeat {
                scanner.skipSpace()
                // RFC 9110, section 5.6.1: a list may have empty elements.
                if scanner.isAtEnd || scanner.rest.first == UInt8(ascii: ",") { continue }
                guard extensions.count < maximumExtensions, let found = scanner.element() else { return nil }
                extensions.append(found)
            } while scanner.take(",")
            guard scanner.isAtEnd else { return nil }
        }
        return extensions
    }

    private struct Scanner {
        var rest: ArraySlice<UInt8>

        var isAtEnd: Bool { rest.isEmpty }

        mutating func skipSpace() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

        /// Takes one character, and the space around it.
        mutating func take(_ character: Unicode.Scalar) -> Bool {
            skipSpace()
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            skipSpace()
            return true
        }

        mutating func element() -> WebSocketExtension? {
            guard let name = token() else { return nil }
            var parameters: [Parameter] = []
            while take(";") {
                guard parameters.count < WebSocketExtension.maximumParameters, let name = token() else { return nil }
                guard take("=") else {
                    parameters.append(Parameter(name))
                    continue
                }
                guard let value = rest.first == 0x22 ? quoted() : token() else { return nil }
                parameters.append(Parameter(name, value))
            }
            return WebSocketExtension(name, parameters)
        }

        mutating func token() -> String? {
            let bytes = rest.prefix(while: ClientMessageDecoder.isTokenByte)
            rest = rest.dropFirst(bytes.count)
            return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
        }

        /// A quoted string whose contents are a token.
        mutating func quoted() -> String? {
            rest = rest.dropFirst()
            var bytes: [UInt8] = []
            while let byte = rest.popFirst() {
                if byte == 0x22 { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
                guard let literal = byte == 0x5C ? rest.popFirst() : byte, ClientMessageDecoder.isTokenByte(literal)
                else { return nil }
                bytes.append(literal)
            }
            return nil
        }
    }
}
