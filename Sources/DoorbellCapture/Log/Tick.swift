import DoorbellCore

/// One row of `doorbell.ticks`.
struct Tick: Sendable, Equatable {
    /// A tick with at most so many rows, and so many bytes of images, brings them along when it is made.
    static let rowsAlong = 1000
    static let bytesAlong = 1 << 20

    let number: UInt64
    let snapshot: Snapshot
    /// How many rows became visible with it.
    let rows: Int
    /// When it was made.
    let at: Timestamp
}

/// How far the log has been delivered by this process.
struct LogCursor: Sendable, Equatable {
    let epoch: UInt64
    /// The tick that was delivered last, or is being delivered.
    var tick: UInt64
    /// The last delivered row of a tick that is not done; `nil` when the tick is done.
    var seq: Int64?

    /// The last tick that was delivered whole.
    var lastWhole: UInt64 { seq == nil ? tick : tick - 1 }
}

/// The state of the log as `doorbell.meta` has it.
struct LogState: Sendable, Equatable {
    let epoch: UInt64
    /// First tick of this epoch.
    let firstTick: UInt64
    /// Ticks up to this one may have lost rows to TRUNCATE.
    let truncatedThrough: UInt64

    /// The first tick that can be read whole.
    var firstWhole: UInt64 { max(firstTick, truncatedThrough + 1) }
}
