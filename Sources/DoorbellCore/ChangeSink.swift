/// Where captured changes go. Capture calls it from one thread, in order; a call may block for a bounded time, which is how
/// a slow reader slows a drain down.
public protocol ChangeSink: AnyObject, Sendable {
    /// The change log is open. Called before the first batch and after every reconnection.
    ///
    /// - Parameters:
    ///   - floor: Every change after this position will be (or has been) delivered. A client that asks for something before it
    ///     cannot be recovered from this log.
    ///   - replayingTo: Batches up to here are read again to rebuild history: nobody has to be told about them in time. `nil`
    ///     when nothing is replayed.
    /// An epoch other than the one before means that all earlier positions are worthless.
    func logOpened(floor: Position, replayingTo: Position?)

    /// A part of a tick, never empty, in order. Batches of one tick follow each other.
    func deliver(_ batch: ChangeBatch, queries: any ChannelQueryRunner)

    /// Capture became live or stopped being so.
    func captureChanged(to status: CaptureStatus)

    /// Everything that was committed before `moment` has been delivered. Never goes back. While nothing happens it is told about
    /// once a second.
    func covered(before moment: ContinuousClock.Instant)
}

extension ChangeSink {
    /// For sinks that do not want to know.
    public func covered(before moment: ContinuousClock.Instant) {}
}

public struct ChangeBatch: Sendable {
    /// Of one tick, ascending by `seq`. Bounded in number and bytes by capture.
    public let changes: [Change]
    /// Direct messages, ascending by position; they stand between the changes.
    public let messages: [LoggedMessage]
    /// Rows of the outbox that could not be read as changes: the table and the reason. Their channels need a `reset`.
    public let unreadable: [UnreadableChange]
    /// The position of the last row in this batch.
    public let head: Position

    public init(
        changes: [Change], messages: [LoggedMessage] = [], unreadable: [UnreadableChange] = [], head: Position
    ) {
        self.changes = changes
        self.messages = messages
        self.unreadable = unreadable
        self.head = head
    }
}

public struct UnreadableChange: Sendable {
    public let position: Position
    /// The table, when it is known.
    public let table: QualifiedName?
    public let reason: String
    public let committedAt: Timestamp

    public init(position: Position, table: QualifiedName?, reason: String, committedAt: Timestamp) {
        self.position = position
        self.table = table
        self.reason = reason
        self.committedAt = committedAt
    }
}

/// Runs the `query` of a channel rule, on capture's second connection, in a read-only transaction with a deadline.
public protocol ChannelQueryRunner {
    /// The first column of each row. - Throws: anything; the message goes to the dead-letter list.
    func channels(for query: ChannelQuery, values: [String?]) throws -> [String]
}

/// Whether what was committed is known here within moments.
public enum CaptureStatus: Sendable, Hashable {
    /// Reading what was committed before the service started.
    case starting
    /// Changes are delivered as they are committed. `leader`: this process makes the ticks.
    case live(leader: Bool)
    /// Not connected, or not sure; the reason is for people.
    case down(reason: String)

    public var isLive: Bool { if case .live = self { true } else { false } }
}
