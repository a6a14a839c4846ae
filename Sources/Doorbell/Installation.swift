import DoorbellCapture
public import DoorbellCore

/// The database side of a configuration: what `doorbell check`, `install` and `uninstall` do.
public struct Installation: Sendable {
    /// What was done.
    public struct Report: Sendable {
        /// The captured tables.
        public let tables: [String]
        /// What a person should know although nothing failed.
        public let remarks: [String]
        /// Whether anything was to be done.
        public let isChanged: Bool
    }

    private let configuration: Configuration

    public init(_ configuration: Configuration) { self.configuration = configuration }

    /// Asks the database whether it is ready for the configuration. Changes nothing. - Returns: remarks.
    public func check() throws(DoorbellError) -> [String] {
        let preflight = try Preflight(conninfo: configuration.database)
        return try check(preflight, installed: true)
    }

    /// As ``check()``, and how rows write what names the channels: ``Preflight/spellings(of:)``.
    func examine() throws(DoorbellError) -> (remarks: [String], spellings: [String: [String: Spelling]]) {
        let preflight = try Preflight(conninfo: configuration.database)
        return (try check(preflight, installed: true), try preflight.spellings(of: configuration.features))
    }

    /// - Parameter installed: Whether schema and triggers have to be in place already.
    private func check(_ preflight: Preflight, installed: Bool) throws(DoorbellError) -> [String] {
        let remarks = try preflight.check(
            tables: configuration.requiredColumns.map { (name: $0.table, columns: $0.columns) }, channels: channels,
            installed: installed)
        try preflight.check(queries: queries)
        return remarks
    }

    private func checkBefore() throws(DoorbellError) {
        _ = try check(try Preflight(conninfo: configuration.database), installed: false)
    }

    /// Every statement that ``install()`` would run.
    public func plan() throws(DoorbellError) -> [String] {
        try checkBefore()
        return try installer.plan()
    }

    public func install() throws(DoorbellError) -> Report {
        try checkBefore()
        return report(try installer.install())
    }

    /// Every statement that ``uninstall()`` would run.
    public func uninstallPlan() throws(DoorbellError) -> [String] { try installer.uninstallPlan() }

    public func uninstall() throws(DoorbellError) -> Report { report(try installer.uninstall()) }

    private var queries: [(feature: String, query: ChannelQuery)] {
        configuration.features.flatMap { feature in
            feature.tables.compactMap { rule in
                guard case .query(let query) = rule.channel else { return nil }
                return (feature: feature.name, query: query)
            }
        }
    }

    private var channels: [PublishedChannels] { configuration.publishedChannels }

    private var installer: Installer {
        Installer(
            conninfo: configuration.database,
            tables: configuration.requiredColumns.map { required in
                CapturedTable(
                    required.table,
                    mode: configuration.capture.statementTables.contains(required.table) ? .statement : .row)
            }, channels: channels, publishers: configuration.capture.publishers, role: configuration.capture.role)
    }

    private func report(_ report: InstallReport) -> Report {
        Report(
            tables: report.tables.map(\.description), remarks: report.remarks, isChanged: !report.statements.isEmpty)
    }
}

extension Configuration {
    /// What `doorbell.publish` should know.
    var publishedChannels: [PublishedChannels] {
        features.flatMap { feature in feature.templates.map { PublishedChannels($0, feature: feature.name) } }
    }
}
