import DoorbellCore

extension ServerMessage {
    /// The legacy API's answer to a ``ClientMessage/Request``.
    public struct Response: Equatable, Sendable {
        /// The longest body that is passed on, in bytes as it came over HTTP. The server refuses longer ones with an `error`.
        public static let maximumBodyLength = 1 << 20
        /// The most header fields in a message; those after them are left out.
        public static let maximumHeaders = 128

        public let id: String
        public let status: Int
        public let headers: [HeaderField]
        /// Raw JSON.
        let body: [UInt8]
        /// Whether ``body`` is a string of base64, because the bytes are no text.
        let isBase64: Bool

        /// Bytes of the body in the message.
        public var bodyLength: Int { body.count }

        /// - Parameter answer: The body as it came over HTTP. When `content-type` says JSON and it is valid JSON, its bytes go
        ///   into the message unchanged; other UTF-8 becomes a string, anything else a string of base64; empty is `null`.
        /// - Returns: `nil` when `answer` is longer than ``maximumBodyLength``.
        public init?(id: String, status: Int, headers: [HeaderField], answer: [UInt8]) {
            guard answer.count <= Self.maximumBodyLength else { return nil }
            self.id = id
            self.status = status
            self.headers = Array(headers.prefix(Self.maximumHeaders))
            let isText = String(validating: answer, as: UTF8.self) != nil
            isBase64 = !isText
            body =
                if answer.isEmpty {
                    Array("null".utf8)
                } else if !isText {
                    Array("\"\(Base64.encode(answer))\"".utf8)
                } else if Self.isJSON(headers), JSONText.isEmbeddable(answer) {
                    answer
                } else {
                    JSONText.string(answer)
                }
        }

        /// `application/json` and every `…+json` (RFC 6839), whatever their parameters.
        private static func isJSON(_ headers: [HeaderField]) -> Bool {
            guard let type = headers.first(where: { $0.name == "content-type" })?.value else { return false }
            let essence = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
            return essence == "application/json" || essence.hasSuffix("+json")
        }

        func append(to frame: inout FrameBuilder) {
            frame.append(#"{"type":"response""#)
            frame.append(id: id)
            frame.append(#","status":"#)
            frame.append(Int64(status))
            frame.append(#","headers":{"#)
            appendHeaders(to: &frame)
            frame.append(#"},"body":"#)
            frame.append(raw: body)
            if isBase64 { frame.append(#","encoding":"base64""#) }
        }

        /// A name that came several times (`set-cookie`) has a list of its values: an object may hold each name once.
        private func appendHeaders(to frame: inout FrameBuilder) {
            var names: Set<String> = []
            for header in headers where names.insert(header.name).inserted {
                if names.count > 1 { frame.append(",") }
                frame.append(string: header.name)
                frame.append(":")
                let values = headers.filter { $0.name == header.name }.map(\.value)
                guard values.count > 1 else {
                    frame.append(string: header.value)
                    continue
                }
                frame.append("[")
                frame.append(strings: values)
                frame.append("]")
            }
        }
    }
}
