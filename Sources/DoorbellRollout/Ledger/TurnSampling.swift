/// After which turns of an event loop its thread's clock is read. Pure.
///
/// That is a system call, and may cost as much as a small turn. So it is read twice in ``stride`` turns when they are many, the second time
/// after one turn alone, because turns of one kind teach what it costs; when they are few, after each.
public struct TurnSampling: Sendable {
    static let stride = 16
    /// Nanoseconds after which it is read in any case.
    static let patience: UInt64 = 50_000_000

    private var turns = 0
    private var isAlone = false
    private var last: UInt64 = 0

    public init() {}

    /// A turn is over.
    ///
    /// - Parameter moment: When it began, nanoseconds of a clock that never goes back.
    public mutating func isDue(at moment: UInt64) -> Bool {
        turns += 1
        guard isAlone || turns >= Self.stride || moment &- last > Self.patience else { return false }
        isAlone = turns > 1
        turns = 0
        last = moment
        return true
    }
}
