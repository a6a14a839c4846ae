/// What an axis or a bar counts.
public enum Unit: Sendable, Hashable {
    case count
    case bytes
    case bytesPerSecond
    case perSecond
    case seconds
    /// 0 to 1, shown as percent.
    case share
    /// Processor seconds a second.
    case cores
    case joules
    /// In the currency of that name.
    case money(String)
    /// Seconds since 1970, shown as a time of day in UTC.
    case time

    public func text(_ value: Double) -> String {
        guard value.isFinite else { return "-" }
        return switch self {
        case .count: Figures.short(value)
        case .bytes: value == 0 ? "0" : Figures.bytes(value)
        case .bytesPerSecond: value == 0 ? "0" : Figures.bytes(value) + "/s"
        case .perSecond: value == 0 ? "0" : Figures.short(value) + (abs(value) < 1000 ? " /s" : "/s")
        case .seconds: value == 0 ? "0" : Figures.duration(value)
        case .share: Figures.share(value)
        case .cores: Figures.decimal(value, places: value == 0 ? 0 : abs(value) < 0.1 ? 4 : 2)
        case .joules: Figures.short(value) + (abs(value) < 1000 ? " J" : "J")
        case .money(let currency): Figures.money(value, currency)
        case .time: Moment.text(value)
        }
    }

    /// For a tick among others: without the digits that all of them would have.
    func tick(_ value: Double) -> String {
        switch self {
        case .share: Figures.plain(value * 100, places: 2) + " %"
        case .cores: Figures.short(value)
        case .seconds: value == 0 ? "0" : Moment.length(value)
        case .money: value == 0 ? "0" : text(value).replacing(".00", with: "")
        default: text(value).replacing(".0 ", with: " ")
        }
    }
}
