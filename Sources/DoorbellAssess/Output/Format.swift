internal import DoorbellReport

/// Figures as people read them, where ``Figures`` has not what is needed.
enum Format {
    /// `5 s`, `2.5 s`; `-` for none.
    static func seconds(_ value: Double?) -> String {
        guard let value else { return "-" }
        return (1..<120).contains(value) ? Figures.plain(value, places: 1) + " s" : Figures.duration(value)
    }

    /// Whole percents but where they say too little: `95 %`, `99.9 %`, `0.3 %`.
    static func percent(_ share: Double) -> String {
        let percent = share * 100
        return Figures.plain(percent, places: percent > 99 || percent < 1 ? 1 : 0) + " %"
    }

    static func percent(_ part: Int, of whole: Int) -> String { percent(whole > 0 ? Double(part) / Double(whole) : 0) }

    /// `1,234` from ten on, `1.2` below, `< 0.01`.
    static func number(_ value: Double) -> String {
        if value > 0, value < 0.005 { return "< 0.01" }
        return value >= 9.95 && value < 1e15
            ? Figures.count(UInt64(value.rounded())) : Figures.plain(value, places: value < 1 ? 2 : 1)
    }

    static func count(_ number: Int) -> String { Figures.count(UInt64(max(0, number))) }

    /// `1 client`, `2 clients`.
    static func count(_ number: Int, _ noun: String) -> String { "\(count(number)) \(noun)\(number == 1 ? "" : "s")" }

    /// Busy processors.
    static func processors(_ value: Double) -> String {
        value > 0 && value < 0.001 ? "< 0.001" : Figures.decimal(value, places: 3)
    }
}
