/// A moment in wall-clock time, in microseconds since 1970-01-01 UTC: the unit of PostgreSQL's own timestamps.
public struct Timestamp: Hashable, Comparable, Sendable {
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// Unix time in whole milliseconds, as the wire carries it.
    public var milliseconds: Int64 { microseconds / 1000 }

    /// Seconds from `earlier` to this moment; negative when clocks disagree.
    public func seconds(since earlier: Timestamp) -> Double {
        Double(microseconds - earlier.microseconds) / 1e6
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }
}

extension Timestamp {
    /// This moment plus a duration, to the microsecond.
    public func advanced(by duration: Duration) -> Timestamp {
        let parts = duration.components
        return Timestamp(microseconds: microseconds + parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000)
    }
}
