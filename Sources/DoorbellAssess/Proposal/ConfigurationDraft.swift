internal import DoorbellCore

/// A `doorbell.yaml` to begin with, with its reasons as comments. `doorbell check --offline` accepts it as it stands. Pure.
public struct ConfigurationDraft: Sendable {
    /// The comment at the top, a line each.
    public var heading: [String]
    /// Never with a password: a variable.
    public var database: String
    public var databaseComment: String?
    public var upstream: String
    public var upstreamComment: String?
    public var proposal: Proposal
    /// Others than these where the API itself listens there.
    public var listen = "0.0.0.0:8080"
    public var admin: String?

    public init(
        heading: [String], database: String, databaseComment: String?, upstream: String, upstreamComment: String?,
        proposal: Proposal
    ) {
        self.heading = heading
        self.database = database
        self.databaseComment = databaseComment
        self.upstream = upstream
        self.upstreamComment = upstreamComment
        self.proposal = proposal
    }

    public var yaml: String {
        var text = heading.map { "# \(YAMLText.comment($0))\n" }.joined()
        text += "\ndatabase: \(database)\(Self.remark(databaseComment))\nlisten: \(listen)\n"
        if let admin { text += "admin: \(admin)\n" }
        text += "upstream: \(YAMLText.scalar(upstream))\(Self.remark(upstreamComment))\n\nfeatures:\n\n"
        text += proposal.features.map(Self.text).joined(separator: "\n")
        if !proposal.remarks.isEmpty {
            text += "\n" + proposal.remarks.map { "# \(YAMLText.comment($0))\n" }.joined()
        }
        return text
    }

    private static func remark(_ text: String?) -> String { text.map { "    # \(YAMLText.comment($0))" } ?? "" }

    private static func text(_ feature: ProposedFeature) -> String {
        var lines = feature.figures.map { "  # \(YAMLText.comment($0))" }
        lines.append("  \(feature.name):")
        lines.append("    poll: \(YAMLText.scalar(feature.poll))")
        lines.append(
            feature.interval.map { "    interval: \(interval($0))    # what clients do today" }
                ?? "    interval: 3s    # what clients do today; to be filled in")
        lines.append("    mode: \(feature.mode.rawValue)    # \(YAMLText.comment(feature.modeReason))")
        if let channel = feature.channel { lines.append("    channel: \(YAMLText.scalar(channel))") }
        lines += feature.tables.isEmpty ? emptyTables(feature) : tables(feature)
        if feature.mode == .rows {
            lines += ["    versions:", "      1: [\(feature.columns.map(YAMLText.element).joined(separator: ", "))]"]
        }
        lines.append("    stage: observe")
        lines += feature.hints.map { "    # \(YAMLText.comment($0))" }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func tables(_ feature: ProposedFeature) -> [String] {
        var lines = ["    tables:    # \(YAMLText.comment(feature.basis))"]
        for table in feature.tables {
            lines.append("      # \(YAMLText.comment(table.reasons.joined(separator: "; "))): \(table.facts)")
            lines += table.warnings.map { "      # warning: \(YAMLText.comment($0))" }
            lines.append("      - name: \(YAMLText.scalar(table.name.description))")
            switch table.channel {
            case .template(let text): lines.append("        channel: \(YAMLText.scalar(text))")
            case .query(let text): lines += ["        channel:", "          query: \(YAMLText.scalar(text))"]
            }
        }
        return lines
    }

    /// Until they are there, the channel carries direct messages only.
    private static func emptyTables(_ feature: ProposedFeature) -> [String] {
        let name = String(feature.name.map { $0 == "-" ? "_" : $0 })
        return [
            "    # tables:    # to be filled in: the tables whose rows the answer is made of",
            "    #   - name: public.\(name)",
            "    #     channel: \(YAMLText.scalar(feature.channel ?? name))    # columns in braces",
        ]
    }

    /// At least 100 ms, at most a day: what the configuration takes.
    private static func interval(_ period: Double) -> String {
        if abs(period - period.rounded()) > period * 0.05 { return "\(max(100, Int((period * 10).rounded()) * 100))ms" }
        return "\(min(86_400, Int(period.rounded())))s"
    }
}
