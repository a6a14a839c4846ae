/// A place in the change log: which run of the log, which tick, which row of the tick.
///
/// Positions of one epoch are totally ordered by `(tick, seq)`; `seq` is unique in the whole outbox, `tick` says in which
/// commit-ordered batch the row became visible. On the wire a position is the opaque string `<epoch>.<tick>-<seq>`.
public struct Position: Hashable, Sendable {
    /// Identity of one run of the log. Grows when the order can no longer be trusted (restore, failover, re-install).
    public let epoch: UInt64
    /// The tick that made the row visible, from 1.
    public let tick: UInt64
    /// The row's number in the outbox; 0 means "before the first row of the tick".
    public let seq: UInt64

    public init(epoch: UInt64, tick: UInt64, seq: UInt64) {
        self.epoch = epoch
        self.tick = tick
        self.seq = seq
    }

    /// Parses the wire form. `nil` for anything but three decimal numbers in `epoch.tick-seq`, and for numbers that no log has because
    /// the database's own end at `Int64.max`.
    public init?(_ text: some StringProtocol) {
        guard text.utf8.count <= 62, let dot = text.firstIndex(of: "."),
            let dash = text[dot...].firstIndex(of: "-"),
            let epoch = Self.number(text[..<dot]),
            let tick = Self.number(text[text.index(after: dot)..<dash]),
            let seq = Self.number(text[text.index(after: dash)...])
        else { return nil }
        self.init(epoch: epoch, tick: tick, seq: seq)
    }

    private static func number(_ digits: some StringProtocol) -> UInt64? {
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int64(digits).map { UInt64($0) }
    }
}

extension Position: Comparable {
    public static func < (a: Position, b: Position) -> Bool {
        (a.epoch, a.tick, a.seq) < (b.epoch, b.tick, b.seq)
    }
}

extension Position: CustomStringConvertible {
    /// The wire form, `<epoch>.<tick>-<seq>`.
    public var description: String { "\(epoch).\(tick)-\(seq)" }
}
