public import DoorbellCore

extension ServerMessage {
    /// What a client or the application said on a channel: not a row change, so it has no position and no history.
    public struct Direct: Equatable, Sendable {
        public var channel: ChannelName
        /// Valid JSON; it goes out as it came in.
        public var data: [UInt8]
        /// The user who said it; `nil`: the application.
        public var from: String?
        public var timestamp: Timestamp
        /// Of the `publish`, for the client that sent it.
        public var id: String?

        public init(
            channel: ChannelName, data: [UInt8], from: String? = nil, timestamp: Timestamp, id: String? = nil
        ) {
            self.channel = channel
            self.data = data
            self.from = from
            self.timestamp = timestamp
            self.id = id
        }

        func append(to frame: inout FrameBuilder) {
            frame.append(#"{"type":"message","channel":"#)
            frame.append(plain: channel.rawValue)
            frame.append(#","data":"#)
            frame.append(raw: data)
            if let from {
                frame.append(#","from":"#)
                frame.append(string: from)
            }
            frame.append(#","timestamp":"#)
            frame.append(timestamp.milliseconds)
            frame.append(id: id)
        }
    }
}
