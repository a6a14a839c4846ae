import DoorbellCore

/// What changes in a feature's answers although nothing has changed. Pure, bounded.
///
/// **The rule.** Only *quiet pairs* teach: two answers to one caller with no message on the poll's channels between them. A place is
/// noise when it *looks* like noise and *behaves* like it, in the last 16 quiet pairs:
///
/// - a time that keeps step with the clock, or an opaque identifier: differs in nine of ten pairs, of at least 8;
/// - the order of an array: differs in a quarter of 16 pairs (two elements in random order stay as they are every other time).
///
/// What stands still for a while and then jumps does not keep step with the clock. A place that changes *sometimes*, or that holds anything else (a count, a name, a status), is never noise: that is what a
/// forgotten table looks like. Until there are enough pairs, a place that only looks like noise is undecided. What has become
/// noise stays so until it differs half as often as that takes.
struct ParityNoise: Sendable {
    enum Verdict: Hashable, Sendable {
        case noise
        /// Looks like noise; there are too few pairs to know.
        case undecided
        case real
    }

    private struct Habit: Sendable {
        let isOrder: Bool
        /// One bit a pair, the newest lowest: whether it differed.
        var differed: UInt16 = 0
        /// The same, for differences that do not look like noise.
        var odd: UInt16 = 0
        /// Bits that mean something.
        var pairs: Int
        var isClock = false
        var isNoise = false

        mutating func saw(_ look: BodyDifferences.Look?) {
            differed = differed << 1 | (look == nil ? 0 : 1)
            odd = odd << 1 | (look == .other ? 1 : 0)
            if let look { isClock = look == .clock }
            pairs = min(pairs + 1, window)
            let needed = isOrder ? 0.25 : 0.9
            let share = Double(differed.nonzeroBitCount) / Double(pairs)
            isNoise = odd == 0 && isDecided && share >= (isNoise ? needed / 2 : needed)
        }

        var isDecided: Bool { pairs >= ParityNoise.minimum(isOrder: isOrder) }
    }

    static let window = 16
    static let maximumPlaces = 256
    /// A clock that shows whole seconds may stand still for as long.
    private static let shortPair = 2.0

    private var habits: [BodyDifferences.Shape: Habit] = [:]
    /// Quiet pairs so far, up to ``window``; and those of them that were long enough for any clock to move.
    private var pairs = 0
    private var longPairs = 0

    static func minimum(isOrder: Bool) -> Int { isOrder ? window : 8 }

    /// What is ignored, for people.
    var places: [String] { habits.filter(\.value.isNoise).map(\.key.text).sorted() }

    /// What is ignored, but for orders.
    var paths: [JSONPath] { habits.filter { $0.value.isNoise && !$0.key.isOrder }.map(\.key.path) }

    /// - Parameter elapsed: Seconds between the answers of this quiet pair.
    mutating func learn(_ differences: BodyDifferences?, elapsed: Double) {
        let shapes = differences?.shapes ?? [:]
        let isShort = elapsed < Self.shortPair
        for (shape, habit) in habits where shapes[shape] == nil && !(habit.isClock && isShort) {
            habits[shape]?.saw(nil)
        }
        for (shape, look) in shapes {
            if habits[shape] == nil, habits.count < Self.maximumPlaces {
                habits[shape] = Habit(isOrder: shape.isOrder, pairs: look == .clock ? longPairs : pairs)
            }
            habits[shape]?.saw(look)
        }
        pairs = min(pairs + 1, Self.window)
        if !isShort { longPairs = min(longPairs + 1, Self.window) }
    }

    func verdict(on shape: BodyDifferences.Shape, look: BodyDifferences.Look) -> Verdict {
        if let habit = habits[shape] {
            if habit.isNoise { return .noise }
            return look == .other || habit.odd != 0 || habit.isDecided ? .real : .undecided
        }
        // It stood still in every pair so far.
        let seen = look == .clock ? longPairs : pairs
        return look == .other || seen >= Self.minimum(isOrder: shape.isOrder) ? .real : .undecided
    }

    /// Of all of them together: real if any is.
    func verdict(on differences: BodyDifferences) -> Verdict {
        if differences.isOverflowing { return .real }
        var worst = Verdict.noise
        for (shape, look) in differences.shapes {
            switch verdict(on: shape, look: look) {
            case .real: return .real
            case .undecided: worst = .undecided
            case .noise: break
            }
        }
        return worst
    }
}
