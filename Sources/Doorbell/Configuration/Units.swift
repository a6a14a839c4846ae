/// Durations and sizes as people write them: a whole number and a unit.
public enum Units {
    /// Milliseconds in each unit.
    private static let durations: [(String, Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]
    /// Bytes in each unit.
    private static let sizes: [(String, Int64)] = [
        ("B", 1), ("KiB", 1024), ("MiB", 1024 * 1024), ("GiB", 1024 * 1024 * 1024),
    ]

    /// `250ms`, `3s`, `10m`, `1h`, `7d`; `nil` for anything else.
    public static func duration(_ text: String) -> Duration? { number(text, durations).map { .milliseconds($0) } }

    /// `512B`, `64KiB`, `1MiB`, `1GiB`; `nil` for anything else.
    static func size(_ text: String) -> Int? { number(text, sizes).map { Int($0) } }

    static func text(_ duration: Duration) -> String {
        let parts = duration.components
        return text(parts.seconds * 1000 + parts.attoseconds / 1_000_000_000_000_000, durations)
    }

    static func text(bytes: Int) -> String { text(Int64(bytes), sizes) }

    private static func number(_ text: String, _ units: [(String, Int64)]) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        // Ten digits of the largest unit still fit.
        guard digits.count <= 9, let number = Int64(digits),
            let unit = units.first(where: { $0.0 == text[digits.endIndex...] })
        else { return nil }
        return number * unit.1
    }

    private static func text(_ number: Int64, _ units: [(String, Int64)]) -> String {
        let unit = units.last { number != 0 && number.isMultiple(of: $0.1) } ?? units[0]
        return "\(number / unit.1)\(unit.0)"
    }
}
