public import DoorbellCore

/// What one change became.
public struct Translation: Sendable {
    /// At most one per feature and channel, in the order of the configuration; for a move, the channel that was left first.
    public var drafts: [Draft]
    /// What could not be translated, and why.
    public var deadLetters: [DeadLetter]

    public init(drafts: [Draft] = [], deadLetters: [DeadLetter] = []) {
        self.drafts = drafts
        self.deadLetters = deadLetters
    }
}
