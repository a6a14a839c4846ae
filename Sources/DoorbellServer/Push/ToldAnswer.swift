import DoorbellCore
import DoorbellWire

/// What a subscriber of a feature with `mode: answer` has, and what the next answer is told as. Pure.
struct ToldAnswer {
    /// Bytes of a body that is kept to make a patch to it. Default 64 KiB; a longer one is always followed by a whole one.
    static let maximumBase = 64 << 10

    private let channel: ChannelName
    private let wantsPatches: Bool
    /// Of the last message.
    private(set) var position: Position
    private var tag: String?
    /// What ``tag`` is the tag of; `nil` where no patch can be made to it.
    private var base: [UInt8]?

    /// - Parameters:
    ///   - position: Where the subscription begins.
    ///   - snapshot: What it began with.
    init(channel: ChannelName, position: Position, snapshot: ServerMessage.Snapshot?, wantsPatches: Bool) {
        self.channel = channel
        self.position = position
        self.wantsPatches = wantsPatches
        if let snapshot { has(snapshot) }
    }

    /// - Parameter asked: Where the log stood before the legacy API was asked.
    /// - Returns: `nil`: it is what the subscriber has.
    mutating func next(_ answer: ServerMessage.Snapshot, asked: Position?) -> ServerMessage.Answer? {
        if let tag, let new = answer.etag, EntityTag.opaque(tag) == EntityTag.opaque(new) { return nil }
        let previous = position
        position = max(position, asked ?? position)
        let content: ServerMessage.Answer.Content
        if let base, let tag, let patch = MergePatch.between(base, answer.body) {
            content = .patch(patch, base: tag)
        } else {
            content = .body(answer.body)
        }
        has(answer)
        return ServerMessage.Answer(
            channel: channel, position: position, previous: previous, status: answer.status, etag: answer.etag,
            content: content)
    }

    /// The subscriber has to fetch the answer itself.
    ///
    /// - Returns: Where the client goes on.
    mutating func reset(at asked: Position?) -> Position {
        tag = nil
        base = nil
        position = max(position, asked ?? position)
        return position
    }

    private mutating func has(_ answer: ServerMessage.Snapshot) {
        tag = answer.etag
        base = wantsPatches && tag != nil && answer.body.count <= Self.maximumBase ? answer.body : nil
    }
}
