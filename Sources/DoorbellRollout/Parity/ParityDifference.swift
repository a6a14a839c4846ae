/// One place where two answers differ, for people.
public struct ParityDifference: Sendable, Codable, Hashable {
    /// Such as `$.items[id=7].name`.
    public var path: String
    /// JSON, shortened; `nil`: it was not there.
    public var before: String?
    /// JSON, shortened; `nil`: it is not there.
    public var after: String?
    /// Whether it changes by itself, and so was not what counted.
    public var isNoise: Bool

    init(path: String, before: String?, after: String?, isNoise: Bool = false) {
        self.path = path
        self.before = before
        self.after = after
        self.isNoise = isNoise
    }

    init(path: String, before: JSONTree?, after: JSONTree?) {
        self.init(path: path, before: before.map(Self.text), after: after.map(Self.text))
    }

    private static func text(_ tree: JSONTree) -> String { tree.text.shortened(to: 160) }
}

extension String {
    /// - Parameter count: Characters, and a sign that there were more.
    func shortened(to count: Int) -> String { self.count <= count ? self : prefix(count) + "…" }
}
