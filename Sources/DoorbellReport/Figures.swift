/// Numbers as people read them, with units that fit. What is no finite number is `-`.
public enum Figures {
    /// Decimal units, as networks are measured and billed: `999 B`, `1.3 GB`.
    public static func bytes(_ count: UInt64) -> String { count < 1000 ? "\(count) B" : bytes(Double(count)) }

    public static func bytes(_ count: Double) -> String { scaled(count, "B") }

    /// `1.2 k`, `3.4 M`: a number of something, in short.
    public static func short(_ value: Double) -> String {
        abs(value) < 1000
            ? decimal(value, places: value.rounded() == value ? 0 : abs(value) < 10 ? 2 : 1) : scaled(value, "")
    }

    private static func scaled(_ value: Double, _ unit: String) -> String {
        guard value.isFinite else { return "-" }
        var rest = abs(value)
        let sign = value < 0 ? "-" : ""
        if rest < 999.5 {
            return sign + decimal(rest, places: rest.rounded() == rest || rest >= 100 ? 0 : 1)
                + (unit.isEmpty ? "" : " " + unit)
        }
        for prefix in ["k", "M", "G", "T"] {
            rest /= 1000
            if rest < 999.95 { return "\(sign)\(decimal(rest, places: 1)) \(prefix)\(unit)" }
        }
        return "\(sign)\(decimal(rest / 1000, places: 1)) P\(unit)"
    }

    /// `250 µs`, `1.50 s`, `10.0 min`, `24.0 h`, `7.0 d`.
    public static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: decimal(max(0, seconds) * 1e6, places: 0) + " µs"
        case ..<1: decimal(seconds * 1e3, places: seconds < 0.01 ? 2 : 0) + " ms"
        case ..<120: decimal(seconds, places: 2) + " s"
        case ..<7200: decimal(seconds / 60, places: 1) + " min"
        case ..<172_800: decimal(seconds / 3600, places: 1) + " h"
        default: decimal(seconds / 86_400, places: 1) + " d"
        }
    }

    /// `1,296,000`.
    public static func count(_ number: UInt64) -> String { grouped(String(number)) }

    /// `98.1 %` of 0.981; more digits below one percent.
    public static func share(_ share: Double) -> String {
        guard share.isFinite else { return "-" }
        let percent = share * 100
        if percent == 0 { return "0 %" }
        if percent > 0, percent < 0.01 { return "< 0.01 %" }
        if percent >= 1000 { return grouped(decimal(percent, places: 0)) + " %" }
        return decimal(percent, places: abs(percent) < 1 ? 2 : 1) + " %"
    }

    /// `USD 1.23`, `USD 12,345`; four places where it is less than ten cents.
    public static func money(_ amount: Double, _ currency: String) -> String {
        guard amount.isFinite else { return "-" }
        let size = abs(amount)
        if size > 0, size < 0.0001 { return "< \(currency) 0.0001" }
        return "\(currency) \(grouped(decimal(amount, places: size == 0 ? 0 : size < 0.1 ? 4 : size < 1000 ? 2 : 0)))"
    }

    /// Rounded half away from zero. `-` where the digits would not fit 64 bits.
    ///
    /// - Parameter places: 0 to 6.
    public static func decimal(_ value: Double, places: Int) -> String {
        let places = min(max(places, 0), 6)
        let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
        let scaled = (abs(value) * scale).rounded()
        guard scaled < 1.8e19 else { return "-" }
        let digits = UInt64(scaled)
        let sign = value < 0 && digits > 0 ? "-" : ""
        let whole = "\(sign)\(digits / UInt64(scale))"
        guard places > 0 else { return whole }
        let rest = String(digits % UInt64(scale))
        return "\(whole)." + String(repeating: "0", count: places - rest.count) + rest
    }

    /// The same without zeros at the end: `12.5`, `10`.
    public static func plain(_ value: Double, places: Int) -> String {
        var text = decimal(value, places: places)
        guard text.contains(".") else { return text }
        while text.last == "0" { text.removeLast() }
        if text.last == "." { text.removeLast() }
        return text
    }

    /// Commas between thousands of the part before the point.
    private static func grouped(_ number: String) -> String {
        let whole = number.prefix { $0 != "." }
        var result = ""
        for (index, digit) in whole.enumerated() {
            let left = whole.count - index
            if index > 0, left.isMultiple(of: 3), result != "-" { result.append(",") }
            result.append(digit)
        }
        return result + number.dropFirst(whole.count)
    }
}
