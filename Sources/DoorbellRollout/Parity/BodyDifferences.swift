import DoorbellCore

/// Where two answers differ. Bounded: places of one kind are counted together, and the first few are kept for people.
struct BodyDifferences: Sendable {
    /// Places of one kind: array elements are not told apart.
    struct Shape: Hashable, Sendable {
        let path: JSONPath
        /// The same elements in another order.
        var isOrder = false

        var text: String { isOrder ? "the order of \(path)" : path.description }
    }

    /// What a difference looks like.
    enum Look: Hashable, Sendable {
        /// A time that moves with the clock.
        case clock
        /// Text that nobody reads: a request's id, a nonce.
        case identifier
        case order
        case other
    }

    static let maximumShapes = 256
    /// Kept for people, of each shape.
    static let linesOfShape = 5

    private(set) var shapes: [Shape: Look] = [:]
    private(set) var lines: [(shape: Shape, line: ParityDifference)] = []
    private var counts: [Shape: Int] = [:]
    /// There were more kinds of places than are told apart.
    private(set) var isOverflowing = false

    var isEmpty: Bool { shapes.isEmpty }

    mutating func add(_ shape: Shape, _ look: Look, _ line: @autoclosure () -> ParityDifference) {
        if let known = shapes[shape] {
            if known != look { shapes[shape] = .other }
        } else if shapes.count < Self.maximumShapes {
            shapes[shape] = look
        } else {
            isOverflowing = true
            return
        }
        counts[shape, default: 0] += 1
        if counts[shape, default: 0] <= Self.linesOfShape { lines.append((shape, line())) }
    }
}
