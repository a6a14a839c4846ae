/// Shares out the processor time of turns of an event loop among what was done in them. Pure.
///
/// A turn in which one kind of work was done is that kind's whole, and teaches what a unit of it costs. A turn with several is shared by what
/// their units cost in such turns.
public struct TickShares: Sendable {
    /// Paths, and what belongs to none of them.
    public static let kinds = Ledger.Path.allCases.count + 1
    static let other = kinds - 1
    /// What the newest turn counts in what a unit costs.
    private static let weight = 0.05

    /// Seconds a unit; 0: not known.
    private var costs = SIMD8<Double>()

    public init() {}

    public static func index(of path: Ledger.Path?) -> Int {
        switch path {
        case .poll: 0
        case .conditional: 1
        case .held: 2
        case .push: 3
        case nil: other
        }
    }

    /// - Parameter units: How much of each kind was done.
    /// - Returns: Of `seconds`, what each kind is given; all of it.
    public mutating func share(_ seconds: Double, units: SIMD8<Double>) -> SIMD8<Double> {
        var shares = SIMD8<Double>()
        guard seconds > 0 else { return shares }
        var only: Int?
        var isMixed = false
        for kind in 0..<Self.kinds where units[kind] > 0 {
            isMixed = only != nil
            only = kind
            if isMixed { break }
        }
        guard isMixed else {
            let kind = only ?? Self.other
            shares[kind] = seconds
            if let only {
                let cost = seconds / units[only]
                costs[only] = costs[only] > 0 ? costs[only] + (cost - costs[only]) * Self.weight : cost
            }
            return shares
        }
        let known = (0..<Self.kinds).filter { units[$0] > 0 && costs[$0] > 0 }.map { costs[$0] }
        let usual = known.isEmpty ? 1 : known.reduce(0, +) / Double(known.count)
        for kind in 0..<Self.kinds where units[kind] > 0 {
            shares[kind] = units[kind] * (costs[kind] > 0 ? costs[kind] : usual)
        }
        return shares * (seconds / shares.sum())
    }
}
