/// A failure that a person has to do something about: what, where, and what to do.
public struct DoorbellError: Error, Sendable, CustomStringConvertible {
    /// A closed set of kinds. Equality of errors is equality of codes.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let description: String
        /// What the `doorbell` command exits with.
        public let exitCode: Int32

        /// A command was asked for something that there is not, or that makes no sense.
        public static let usage = Self(description: "usage", exitCode: 64)
        /// Somebody else was faster; nothing was done.
        public static let conflict = Self(description: "conflict", exitCode: 75)
        /// The configuration is wrong.
        public static let configuration = Self(description: "configuration", exitCode: 78)
        /// The database cannot be reached or refuses us.
        public static let database = Self(description: "database", exitCode: 69)
        /// The database is not one that Doorbell can work with, or is not prepared.
        public static let unsupported = Self(description: "unsupported", exitCode: 76)
        /// A right is missing.
        public static let permission = Self(description: "permission", exitCode: 77)
        /// A port or a file is in use or cannot be opened.
        public static let system = Self(description: "system", exitCode: 71)
        /// A running service cannot be reached or answers something unexpected.
        public static let service = Self(description: "service", exitCode: 75)
    }

    public let code: Code
    /// What happened, where.
    public let message: String
    /// What to do about it.
    public let hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    public var description: String { hint.map { "\(message)\n  \($0)" } ?? message }
}
