/// What a database has, by its catalogue and its statistics.
public struct DatabaseDescription: Sendable, Equatable {
    /// `host:port/database`: no user, no password.
    public var place: String
    /// Those that are written most first.
    public var tables: [TableDescription]
    /// Tables beyond the bound, which were not looked at.
    public var omitted = 0
    /// Seconds in which writes were counted; `nil`: it is not known since when.
    public var countedFor: Double?
    /// What a person should know, a sentence each.
    public var remarks: [String] = []

    public init(place: String, tables: [TableDescription]) {
        self.place = place
        self.tables = tables
    }
}
