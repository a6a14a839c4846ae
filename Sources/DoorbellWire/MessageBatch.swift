public import DoorbellCore

/// Several messages that leave as one `batch`. Their JSON is copied, never made again.
///
/// Bounded in messages and in bytes. When ``append(_:)`` says no, the batch is full: ``finish()`` it and append again.
public struct MessageBatch: Sendable {
    private let maximumMessages: Int
    private let maximumLength: Int
    private var messages: [EncodedMessage] = []
    /// Of the members' JSON together, in bytes.
    public private(set) var length = 0

    /// As few messages as there can be for `messages`, in order.
    public static func join(_ messages: [EncodedMessage]) -> [EncodedMessage] {
        var batch = MessageBatch()
        var joined: [EncodedMessage] = []
        for message in messages where !batch.append(message) {
            if let full = batch.finish() { joined.append(full) }
            _ = batch.append(message)
        }
        if let rest = batch.finish() { joined.append(rest) }
        return joined
    }

    /// - Parameters:
    ///   - maximumMessages: At least 1.
    ///   - maximumLength: Of the messages' JSON together, in bytes. A single message may be longer: it goes alone.
    public init(maximumMessages: Int = 256, maximumLength: Int = 65_536) {
        self.maximumMessages = max(1, maximumMessages)
        self.maximumLength = maximumLength
    }

    public var count: Int { messages.count }
    public var isEmpty: Bool { messages.isEmpty }

    /// - Returns: `false`: there is no room, and the message was not taken. An empty batch takes any message.
    public mutating func append(_ message: EncodedMessage) -> Bool {
        let size = message.payload.count
        guard messages.isEmpty || messages.count < maximumMessages && length + size <= maximumLength else {
            return false
        }
        messages.append(message)
        length += size
        return true
    }

    /// What was appended, and the batch is empty again. One message is returned as it is, without a `batch` around it.
    ///
    /// - Returns: `nil` when nothing was appended.
    public mutating func finish() -> EncodedMessage? {
        defer { (messages, length) = ([], 0) }
        guard messages.count > 1 else { return messages.first }
        // 29: what stands around the messages.
        var frame = FrameBuilder(capacity: 29 + length + messages.count)
        frame.append(#"{"type":"batch","messages":["#)
        var isFirst = true
        for message in messages {
            if !isFirst { frame.append(",") }
            isFirst = false
            frame.append(raw: message.payload)
        }
        frame.append("]}")
        return frame.finish(type: "batch", position: messages.last { $0.position != nil }?.position)
    }
}
