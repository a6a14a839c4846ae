internal import DoorbellCore

extension Assessment {
    /// A `doorbell.yaml` to begin with: a feature for each endpoint that is worth it. `nil` when none is.
    ///
    /// What a log cannot know is left as a comment: the tables. Until they are there, a feature's channel carries direct messages only, so the file
    /// is accepted by `doorbell check --offline` as it stands. With a database, `doorbell init` finds them.
    public var startingConfiguration: String? {
        let proposal = Proposal(polledEndpoints, database: nil)
        guard !proposal.features.isEmpty else { return nil }
        return ConfigurationDraft(
            heading: [
                "Made by 'doorbell assess' from logs of \(begin.rfc3339) to \(end.rfc3339).",
                "1. Set database and upstream.",
                "2. Give each feature its tables: a log does not know which tables an endpoint reads ('doorbell init' looks for them).",
                "3. 'doorbell check' says what is missing, 'doorbell install --dry-run' what would be done to the database.",
            ],
            database: "${DATABASE_URL:-postgresql://localhost/application}", databaseComment: "to be filled in",
            upstream: "http://127.0.0.1:3000", upstreamComment: "the API that is polled now; to be filled in",
            proposal: proposal
        ).yaml
    }
}
