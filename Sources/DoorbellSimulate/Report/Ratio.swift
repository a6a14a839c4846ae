import DoorbellReport

/// How much less push takes than polling, in words. Pure.
struct Ratio: Equatable {
    /// The words for smaller and larger.
    enum Words: Equatable {
        case fewer, less, sooner

        var smaller: String { "\(self)" }
        var larger: String { self == .sooner ? "later" : "more" }
    }

    let polling: Double
    let push: Double
    let words: Words

    /// `50 times fewer`, `1.3 times more`, `the same`; `none left` when push needs nothing at all. Empty where there is nothing
    /// to compare.
    var text: String {
        guard polling > 0, push >= 0 else { return push > 0 ? "new" : "" }
        guard push > 0 else { return "none left" }
        let factor = polling / push
        if factor >= 0.95, factor <= 1.05 { return "the same" }
        return factor > 1
            ? "\(Self.factor(factor)) times \(words.smaller)" : "\(Self.factor(1 / factor)) times \(words.larger)"
    }

    private static func factor(_ value: Double) -> String { Figures.decimal(value, places: value < 9.95 ? 1 : 0) }
}
