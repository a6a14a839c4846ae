public import DoorbellCore

extension ServerMessage {
    /// The new answer to a poll (features with `mode: answer`).
    public struct Answer: Equatable, Sendable {
        public var channel: ChannelName
        /// Where the log stood before the legacy API was asked.
        public var position: Position
        /// Of the message before it on this subscription.
        public var previous: Position?
        public var status: Int
        public var etag: String?
        public var content: Content

        public enum Content: Equatable, Sendable {
            /// JSON text.
            case body([UInt8])
            /// A JSON merge patch (RFC 7386) to the body that had the entity tag `base`.
            case patch([UInt8], base: String)
        }

        public init(
            channel: ChannelName, position: Position, previous: Position?, status: Int, etag: String?, content: Content
        ) {
            self.channel = channel
            self.position = position
            self.previous = previous
            self.status = status
            self.etag = etag
            self.content = content
        }
    }
}

extension ServerMessage.Answer {
    /// Everything but the closing brace.
    func append(to frame: inout FrameBuilder) {
        frame.append(#"{"type":"answer","channel":"#)
        frame.append(plain: channel.rawValue)
        frame.append(#","position":"#)
        frame.append(position)
        frame.append(#","previous":"#)
        if let previous { frame.append(previous) } else { frame.append("null") }
        frame.append(#","status":"#)
        frame.append(Int64(status))
        if let etag {
            frame.append(#","etag":"#)
            frame.append(string: etag)
        }
        switch content {
        case .body(let body):
            frame.append(#","body":"#)
            if body.isEmpty { frame.append("null") } else { frame.append(raw: body) }
        case .patch(let patch, let base):
            frame.append(#","patch":"#)
            frame.append(raw: patch)
            frame.append(#","base":"#)
            frame.append(string: base)
        }
    }
}
