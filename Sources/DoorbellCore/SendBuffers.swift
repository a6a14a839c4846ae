/// What became of clients that read more slowly than they were sent to, in some time.
public struct SendBuffers: Sendable, Hashable, Codable {
    /// The most bytes that were waiting for one client.
    public var waitingBytes: UInt64 = 0
    /// Times that a subscription fell behind: its client's send budget was spent.
    public var behind: UInt64 = 0
    /// Messages that were left out because a newer one of the same row followed (`slow: conflate`).
    public var conflated: UInt64 = 0
    /// Times that a client was told `reset`, because history did not reach back to where it had stopped.
    public var resets: UInt64 = 0
    /// Connections that were closed for it (`slow: disconnect`).
    public var closed: UInt64 = 0

    public init() {}

    public var isEmpty: Bool { self == SendBuffers() }

    public mutating func add(_ other: SendBuffers) {
        func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
            let (sum, isOver) = a.addingReportingOverflow(b)
            return isOver ? .max : sum
        }
        waitingBytes = max(waitingBytes, other.waitingBytes)
        behind = sum(behind, other.behind)
        conflated = sum(conflated, other.conflated)
        resets = sum(resets, other.resets)
        closed = sum(closed, other.closed)
    }
}
