internal import DoorbellCore

/// Times on axes and in tables.
public enum Moment {
    /// `2026-11-26 08:00` in UTC, of seconds since 1970; `-` for what is no date of this era.
    public static func text(_ seconds: Double) -> String {
        guard let text = rfc3339(seconds) else { return "-" }
        return text.prefix(10) + " " + text.dropFirst(11).prefix(5)
    }

    /// For a tick: the time of day, at midnight the date, with seconds where ticks are less than a minute apart.
    static func tick(_ seconds: Double, step: Double) -> String {
        guard let text = rfc3339(seconds) else { return "-" }
        let time = text.dropFirst(11).prefix(5)
        if step >= 86_400 || time == "00:00" {
            let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
            let month = Int(text.dropFirst(5).prefix(2)) ?? 1
            let day = Int(text.dropFirst(8).prefix(2)) ?? 1
            return "\(day) \(months[min(max(month, 1), 12) - 1])"
        }
        return String(step < 60 ? text.dropFirst(11).prefix(8) : time)
    }

    /// A round length of time: `10 ms`, `1 s`, `100 s`, `3 h`.
    static func length(_ seconds: Double) -> String {
        let units: [(Double, String)] = [(1e-6, "µs"), (1e-3, "ms"), (1, "s")]
        let unit = units.last { seconds >= $0.0 * 0.999_999 } ?? units[0]
        return Figures.short((seconds / unit.0 * 1000).rounded() / 1000) + " " + unit.1
    }

    private static func rfc3339(_ seconds: Double) -> String? {
        // Up to the year 9999.
        guard seconds.isFinite, abs(seconds) < 2.5e11, seconds > -6e10 else { return nil }
        return Timestamp(microseconds: Int64(seconds * 1e6)).rfc3339
    }
}
