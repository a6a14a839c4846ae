/// The shape of a feature's payload: a positive integer that clients ask for and configuration names.
public struct SchemaVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let number: UInt16

    /// `nil` unless 1 to 65,535.
    public init?(_ number: some BinaryInteger) {
        guard let number = UInt16(exactly: number), number > 0 else { return nil }
        self.number = number
    }

    private init(known number: UInt16) { self.number = number }

    /// What a feature without `versions` speaks, and what a client gets that asks for nothing.
    public static let first = SchemaVersion(known: 1)

    public static func < (a: SchemaVersion, b: SchemaVersion) -> Bool { a.number < b.number }
    public var description: String { String(number) }
}
