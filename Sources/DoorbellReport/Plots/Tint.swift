/// One of six colours that are told apart without seeing red and green, and have a contrast of 5 or more on light and dark ground. Lines have a dash of
/// their own besides.
public struct Tint: Sendable, Hashable {
    let index: Int

    /// - Parameter index: Any number; after the sixth the first comes again.
    public init(_ index: Int) { self.index = ((index % 6) + 6) % 6 }

    /// What is the same everywhere: what was, what is, and the steps between.
    public static let before = Tint(0)
    public static let between = Tint(1)
    public static let waiting = Tint(2)
    public static let after = Tint(3)
    public static let other = Tint(4)
    public static let neutral = Tint(5)

    /// The class that sets the colour.
    var style: String { "t\(index)" }
}
