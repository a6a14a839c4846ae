import DoorbellCore

/// What one viewer wants, and how much of it they get. Pure.
struct TailViewer {
    static let linesPerSecond = 50

    /// `nil`: every feature.
    var feature: String?
    /// The beginning of channels; `nil`: all.
    var channel: String?
    var withContent = false
    /// Lines that were wanted and not shown, since the viewer came.
    private(set) var dropped = 0
    /// Of ``dropped``: what the viewer was told.
    private var reported = 0
    private var second: Int64 = 0
    private var shown = 0

    init(feature: String? = nil, channel: String? = nil, withContent: Bool = false) {
        self.feature = feature
        self.channel = channel
        self.withContent = withContent
    }

    func wants(feature name: String, channel text: String) -> Bool {
        (feature ?? name) == name && (channel.map { text.hasPrefix($0) } ?? true)
    }

    /// Whether one more line may be shown in this second; it is counted as dropped otherwise.
    mutating func admits(now: Timestamp) -> Bool {
        let this = now.microseconds / 1_000_000
        if second != this { (second, shown) = (this, 0) }
        guard shown < Self.linesPerSecond else {
            dropped += 1
            return false
        }
        shown += 1
        return true
    }

    mutating func lost() { dropped += 1 }

    /// All that was dropped so far, while the viewer does not know it.
    var news: Int? { dropped == reported ? nil : dropped }

    /// The viewer was told that so much was dropped.
    mutating func report(_ dropped: Int) { reported = dropped }
}
