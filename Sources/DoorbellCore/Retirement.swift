/// How polling of a feature ends, while it is in stage `retired`. Pure.
///
/// What clients are told is for those who poll still: `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and links to read more. Then polls fail for
/// short announced windows, so that whoever depends on them notices while it can be taken back; and at last they are gone.
public struct Retirement: Hashable, Sendable {
    /// Since when polling is deprecated; `nil`: since the feature is in stage `retired`.
    public var deprecated: Timestamp?
    /// From when on polls may not be answered any more.
    public var sunset: Timestamp?
    /// A page that tells people about it.
    public var link: String?
    /// What takes the place of the polled URL.
    public var successor: String?
    /// Windows in which polls are refused, each without its end; ascending, apart from each other.
    public var brownOuts: [Range<Timestamp>]
    /// Whether polls are refused for good after ``sunset``.
    public var isGone: Bool

    public init(
        deprecated: Timestamp? = nil, sunset: Timestamp? = nil, link: String? = nil, successor: String? = nil,
        brownOuts: [Range<Timestamp>] = [], isGone: Bool = false
    ) {
        self.deprecated = deprecated
        self.sunset = sunset
        self.link = link
        self.successor = successor
        self.brownOuts = brownOuts
        self.isGone = isGone
    }

    public enum Verdict: Hashable, Sendable {
        case answered
        /// 503: it is meant to be temporary, and a 410 would be kept by caches and taken for good by clients.
        case brownOut(until: Timestamp)
        /// 410.
        case gone
    }

    /// What becomes of a poll.
    public func verdict(at now: Timestamp) -> Verdict {
        if isGone, let sunset, sunset <= now { return .gone }
        return brownOuts.first { $0.contains(now) }.map { .brownOut(until: $0.upperBound) } ?? .answered
    }

    /// Headers of every answer to a poll, in order.
    ///
    /// - Parameter since: When the feature was moved to `retired`, if that is known.
    public func fields(since: Timestamp?) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let deprecated = deprecated ?? since { fields.append(("deprecation", "@\(deprecated.seconds)")) }
        if let sunset { fields.append(("sunset", sunset.httpDate)) }
        if let successor { fields.append(("link", "<\(successor)>; rel=\"successor-version\"")) }
        if let link {
            fields.append(("link", "<\(link)>; rel=\"deprecation\"; type=\"text/html\""))
            if sunset != nil { fields.append(("link", "<\(link)>; rel=\"sunset\"; type=\"text/html\"")) }
        }
        return fields
    }
}
