public import DoorbellCore

/// What a shard tells many subscribers at once: publications of one channel that follow each other, in one schema version.
///
/// Their bytes are joined once for each form and shared by all who are sent that form, so that the more is published in one pass,
/// the fewer writes a message takes. Lives on its shard's loop.
public final class MessageRun {
    /// Oldest first; never empty. All of one channel.
    public let publications: ArraySlice<Publication>
    /// What they are told as, in order: one for each, or fewer where several were joined to one.
    public let messages: [EncodedMessage]
    public var channel: ChannelName { publications[publications.startIndex].channel }
    private var joined: [(form: EncodedMessage.Form, bytes: [UInt8])] = []

    public init(publications: ArraySlice<Publication>, messages: [EncodedMessage]) {
        self.publications = publications
        self.messages = messages
    }

    /// All messages as `form`, one after the other.
    ///
    /// - Parameter make: One message's bytes. Of several, called for this form on the first call only.
    public func bytes(as form: EncodedMessage.Form, make: (EncodedMessage) -> [UInt8]) -> [UInt8] {
        // A message keeps its own forms.
        if messages.count == 1 { return make(messages[0]) }
        if let known = joined.first(where: { $0.form == form }) { return known.bytes }
        var bytes: [UInt8] = []
        for message in messages { bytes += make(message) }
        joined.append((form, bytes))
        return bytes
    }
}

@available(*, unavailable)
extension MessageRun: Sendable {}
