/// Who wrote through the shim, until capture has told what they wrote. Pure, bounded.
///
/// What the legacy API was asked for before a write was answered is not shown to its writer, unless everything committed before that
/// answer has been delivered: then a change that the write made is known like any other.
struct WriteFences {
    /// Writers that are told apart, some 60 bytes each; one more, and everybody counts as a writer.
    static let capacity = 65_536

    private var answered: [CacheKey: ContinuousClock.Instant] = [:]
    private var everybody: ContinuousClock.Instant?
    /// Everything committed before it has been delivered.
    private(set) var covered: ContinuousClock.Instant?
    private var sweptAt = 0

    var count: Int { answered.count }

    /// A write was answered.
    ///
    /// - Parameter writer: `nil`: its writer may have become somebody else by it.
    mutating func wrote(_ writer: CacheKey?, at now: ContinuousClock.Instant) {
        if let writer, answered[writer] != nil || answered.count < Self.capacity {
            answered[writer] = max(now, answered[writer] ?? now)
        } else {
            everybody = max(now, everybody ?? now)
        }
    }

    mutating func covered(before moment: ContinuousClock.Instant) {
        guard covered.map({ moment > $0 }) ?? true else { return }
        covered = moment
        if let until = everybody, until < moment { everybody = nil }
        // Most have gone by then, so each is looked at a few times at most.
        guard answered.count >= max(64, 2 * sweptAt) || answered.count == Self.capacity else { return }
        answered = answered.filter { $0.value >= moment }
        sweptAt = answered.count
    }

    /// What was asked for before it is not shown to `writer`; `nil`: everything may be.
    func bar(for writer: CacheKey) -> ContinuousClock.Instant? {
        var bar = everybody
        if let own = answered[writer], bar.map({ own > $0 }) ?? true { bar = own }
        guard let bar, covered.map({ $0 <= bar }) ?? true else { return nil }
        return bar
    }
}
