/// How a feature's polls are compared with its messages.
public struct ParitySettings: Hashable, Sendable {
    /// Where an answer has the rows that messages tell, so that messages can be applied to them.
    public struct Items: Hashable, Sendable {
        /// Of an array of objects.
        public let path: JSONPath
        /// The member that tells the objects apart.
        public let key: String
        /// Whose messages are applied; `nil`: those of clients that ask for no version.
        public let version: SchemaVersion?

        public init(path: JSONPath, key: String, version: SchemaVersion? = nil) {
            self.path = path
            self.key = key
            self.version = version
        }
    }

    public var isEnabled: Bool
    /// What never counts as a change, with everything inside.
    public var ignore: [JSONPath]
    /// Arrays whose order never counts as a change.
    public var unordered: [JSONPath]
    public var items: Items?

    public init(
        isEnabled: Bool = true, ignore: [JSONPath] = [], unordered: [JSONPath] = [], items: Items? = nil
    ) {
        self.isEnabled = isEnabled
        self.ignore = ignore
        self.unordered = unordered
        self.items = items
    }
}
