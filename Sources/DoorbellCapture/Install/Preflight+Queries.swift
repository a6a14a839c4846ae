public import DoorbellCore

extension Preflight {
    /// That PostgreSQL understands the channel queries of features. Prepares them and runs nothing.
    ///
    /// - Parameter queries: Each with the name of its feature.
    public func check(queries: [(feature: String, query: ChannelQuery)]) throws(DoorbellError) {
        guard !queries.isEmpty else { return }
        do {
            // They run with the names that the login sees, unlike everything else of ours.
            try connection.run("reset search_path")
        } catch {
            throw Self.explain(error)
        }
        defer { _ = try? connection.run(Self.searchPath) }
        var faults: [DoorbellError] = []
        for (feature, query) in queries {
            do {
                try connection.prepare("", query.statement)
            } catch  where error.kind == .statement {
                faults.append(
                    DoorbellError(
                        .configuration,
                        "the channel query of features.\(feature) cannot run in \(connection.place): \(error.message)",
                        hint: "The query: \(query.source)"))
            } catch {
                throw Self.explain(error)
            }
        }
        if let fault = Self.combined(faults) { throw fault }
    }
}
