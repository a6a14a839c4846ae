public import DoorbellCore

/// The features that endpoints and tables suggest, with the reasons. Pure: what the logs, the catalogue and a record of changes say goes in.
public struct Proposal: Sendable, Equatable {
    /// Features that are proposed, of the endpoints that poll the most; the file is to be read by people.
    public static let maximumFeatures = 50

    public var features: [ProposedFeature] = []
    /// What was looked at and is not among the features; a line each.
    public private(set) var remarks: [String] = []

    /// - Parameters:
    ///   - endpoints: Those that poll the most first.
    ///   - database: `nil`: nothing is known of tables.
    public init(_ endpoints: [PolledEndpoint], database: DatabaseDescription?) {
        var builder = FeatureBuilder(database)
        for endpoint in endpoints {
            guard features.count < Self.maximumFeatures else { break }
            if let feature = builder.feature(endpoint) { features.append(feature) }
        }
        if endpoints.count > Self.maximumFeatures {
            remarks.append(
                "\(Format.count(endpoints.count - Self.maximumFeatures)) more polled URLs are left out: 'doorbell assess --all' lists them"
            )
        }
        if let database { remarks += Self.remarks(database, features) }
    }

    private static func remarks(_ database: DatabaseDescription, _ features: [ProposedFeature]) -> [String] {
        var remarks = database.remarks
        let taken = Set(features.flatMap { $0.tables.map(\.name) })
        let others = database.tables.filter { !$0.isView && !taken.contains($0.name) }
        guard !others.isEmpty else {
            if database.tables.isEmpty { remarks.append("\(database.place) has no tables that this user can see") }
            return remarks
        }
        let total = database.tables.count { !$0.isView } + database.omitted
        let busy = others.filter { $0.writes > 0 }.prefix(5).map { table in
            "\(table.name) (\(TableFacts.writes(table)))"
        }
        remarks.append(
            "\(Format.count(others.count + database.omitted)) of \(Format.count(total)) tables belong to none of these features by their names"
                + (busy.isEmpty ? "" : "; written most: \(busy.joined(separator: ", "))"))
        return remarks
    }
}
