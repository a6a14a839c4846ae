/// What the service, the legacy API and the database used in some time. `nil`: not known.
public struct LedgerUsage: Sendable, Hashable {
    /// Processor seconds of the service.
    public var service: Double?
    /// Processor seconds of the legacy API.
    public var legacy: Double?
    /// Of the whole database: commits and rollbacks.
    public var transactions: UInt64?
    /// Of the whole database.
    public var statements: UInt64?

    public init() {}

    public var isEmpty: Bool { self == LedgerUsage() }

    /// What followed it.
    public mutating func add(_ other: LedgerUsage) {
        service = Self.sum(service, other.service, +)
        legacy = Self.sum(legacy, other.legacy, +)
        transactions = Self.sum(transactions, other.transactions, &+)
        statements = Self.sum(statements, other.statements, &+)
    }

    private static func sum<Number>(_ a: Number?, _ b: Number?, _ add: (Number, Number) -> Number) -> Number? {
        guard let a else { return b }
        return b.map { add(a, $0) } ?? a
    }
}
