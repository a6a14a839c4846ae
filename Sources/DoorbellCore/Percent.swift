/// A share of clients, from 0 to 100 percent, to the hundredth of a percent.
public struct Percent: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 0 to 10,000.
    public let hundredths: Int

    public static let zero = Percent(known: 0)
    public static let all = Percent(known: 10_000)

    /// `nil` unless 0 to 10,000.
    public init?(hundredths: Int) {
        guard (0...10_000).contains(hundredths) else { return nil }
        self.hundredths = hundredths
    }

    private init(known hundredths: Int) { self.hundredths = hundredths }

    /// As people write it: `5`, `12.5`, `0.25`, `100`, with or without a percent sign. `nil` for anything else, more than two
    /// decimals among it.
    public init?(_ text: String) {
        var text = text[...]
        if text.hasSuffix("%") { text = text.dropLast() }
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, (1...3).contains(first.utf8.count),
            parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }), let whole = Int(first)
        else { return nil }
        var fraction = 0
        if parts.count == 2 {
            guard (1...2).contains(parts[1].utf8.count), let digits = Int(parts[1]) else { return nil }
            fraction = parts[1].utf8.count == 1 ? digits * 10 : digits
        }
        self.init(hundredths: whole * 100 + fraction)
    }

    public static func < (a: Percent, b: Percent) -> Bool { a.hundredths < b.hundredths }

    /// Without the sign and without zeros that say nothing: `12.5`.
    public var description: String {
        let (whole, fraction) = hundredths.quotientAndRemainder(dividingBy: 100)
        if fraction == 0 { return String(whole) }
        if fraction % 10 == 0 { return "\(whole).\(fraction / 10)" }
        return "\(whole).\(fraction < 10 ? "0" : "")\(fraction)"
    }
}
