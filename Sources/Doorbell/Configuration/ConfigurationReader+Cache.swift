import DoorbellCore

/// `features.<name>.cache`: a word, or how answers are kept.
extension ConfigurationReader {
    func caching(_ feature: ConfigurationSection) -> Feature.Caching? {
        let standard = Feature.Caching()
        guard let tree = feature["cache"] else { return nil }
        guard case .mapping = tree.kind else { return feature.flag("cache", default: false) ? standard : nil }
        guard let section = feature.section("cache") else { return nil }
        return Feature.Caching(
            maxAge: section.duration("maxAge", default: standard.maxAge, .seconds(1) ... .days(1)),
            identity: identity(section, default: standard.identity),
            revalidate: section.choice("revalidate", default: standard.revalidate),
            settle: section.duration("settle", default: standard.settle, .zero ... .seconds(60)),
            ignoredParameters: ignoredParameters(section, feature))
    }

    /// Only the legacy API knows by what of a token it decides, so a part of one is no caller.
    private func identity(
        _ section: ConfigurationSection, default standard: Feature.Caching.Identity
    ) -> Feature.Caching.Identity {
        guard let tree = section["identity"] else { return standard }
        let isClaim =
            switch tree.kind {
            case .mapping: true
            case .scalar(let text, plain: _): text.lowercased().hasPrefix("claim")
            default: false
            }
        guard isClaim else { return section.choice("identity", default: standard) }
        problem(
            tree.mark,
            "\(section.path).identity cannot be a claim: tokens with the same claim may have different rights at the legacy API",
            "use 'credentials'; a client that gets a new token costs one request to the legacy API")
        return standard
    }

    private func ignoredParameters(_ section: ConfigurationSection, _ feature: ConfigurationSection) -> Set<String> {
        var names: Set<String> = []
        let poll =
            if case .scalar(let text, plain: _)? = feature.members.first(where: { $0.key == "poll" })?.value.kind {
                text
            } else { "" }
        let query = poll.split(separator: "?").dropFirst().joined().split(separator: "&").map {
            $0.prefix { $0 != "=" }
        }
        for (index, tree) in (section.list("ignore") ?? []).enumerated() {
            let path = "\(section.path).ignore[\(index)]"
            guard let name = text(tree, path) else { continue }
            if query.contains(where: { $0 == name }) {
                problem(tree.mark, "\(path) '\(name)' is part of the poll, so it means something")
            } else {
                names.insert(name)
            }
        }
        return names
    }

    /// A change that reaches no channel of the polled URL would not be noticed, and everybody gets what is kept for everybody.
    func cache(of read: ReadFeature) {
        let feature = read.feature
        guard let cache = feature.cache else { return }
        let path = "features.\(feature.name).cache"
        let names = Set(feature.poll.names)
        let ofPoll = feature.channel.map { [$0] } ?? feature.templates.filter { names.isSuperset(of: $0.names) }
        for rule in feature.tables {
            guard case .template(let template) = rule.channel, !ofPoll.contains(where: { $0.overlaps(template) }) else {
                continue
            }
            problem(
                read.cacheMark,
                "\(path): changes of \(rule.table) go to '\(template)', which is no channel of the poll '\(feature.poll)', "
                    + "so a kept answer would not be noticed to be old", "give the table a channel of the poll")
            return
        }
        if cache.identity == .public, feature.authorize != .public {
            warning(
                read.cacheMark,
                "\(path).identity is public, so everybody gets the answers of \(feature.name), whoever is asking",
                "use 'identity: credentials', unless everybody may see them")
        }
    }
}
