import DoorbellReport

extension Figures {
    static func count(_ value: Double) -> String { count(UInt64(max(0, min(value, 1e15)).rounded())) }
    static func count(_ value: Int) -> String { count(UInt64(max(0, value))) }

    /// Three digits that count: 1,234, 123, 12.3, 1.23.
    static func digits(_ value: Double) -> String {
        value >= 99.95 ? count(value) : decimal(value, places: value >= 9.995 ? 1 : 2)
    }
}
