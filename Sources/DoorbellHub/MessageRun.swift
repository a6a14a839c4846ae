public import DoorbellCore

/// What a shard tells many subscribers at once: publications of one channel that follow each other, in one schema version.
///
/// Their bytes are joined once for each form and shared by all who are sent that form, so that the more is published in one pass,
/// the fewer writes a message takes. Lives on its shard's loop.
public final class MessageRun {
    /// Oldest first; never empty. All of one channel.
    public let publications: ArraySlice<Publication>
    /// What they are told as, in order.
    public let messages: [EncodedMessage]
    private var joined: [(form: EncodedMessage.Form, bytes: [UInt8])] = []

    public init(publications: ArraySlice<Publication>, messages: [EncodedMessage]) {
        self.publications = publications
        self.messages = messages
    }

    /// All messages as `form`, one after the other.
    ///
    /// - Parameter make: One message's bytes. Called for this form on the first call only.
    public func bytes(as form: EncodedMessage.Form, make: (EncodedMessage) -> [UInt8]) -> [UInt8] {
        if let known = joined.first(where: { $0.form == form }) { return known.bytes }
        let bytes: [UInt8]
        if messages.count == 1 {
            bytes = make(messages[0])
        } else {
            var all: [UInt8] = []
            for message in messages { all += make(message) }
            bytes = all
        }
        joined.append((form, bytes))
        return bytes
    }
}

@available(*, unavailable)
extension MessageRun: Sendable {}
