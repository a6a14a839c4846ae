/// Which body an answer has, or a 304 stands for, as far as its validators say (RFC 9110, section 8.8).
public struct BodyVersion: Sendable, Hashable {
    /// Bytes of a validator; a longer one is not kept, and tells nothing.
    public static let maximumLength = 256

    /// Nothing tells.
    public static let unknown = BodyVersion()

    /// An entity tag for weak comparison, without its `W/`.
    public let tag: String?
    /// A date as it is written.
    public let modified: String?

    public init(tag: String? = nil, modified: String? = nil) {
        self.tag = tag.flatMap { $0.utf8.count <= Self.maximumLength ? $0 : nil }
        self.modified = modified.flatMap { $0.utf8.count <= Self.maximumLength ? $0 : nil }
    }

    /// Whether both are known to be of one body. Where both have a tag, dates do not count.
    public func isSame(as other: BodyVersion) -> Bool {
        if let tag, let other = other.tag { return tag == other }
        if let modified, let other = other.modified { return modified == other }
        return false
    }
}
