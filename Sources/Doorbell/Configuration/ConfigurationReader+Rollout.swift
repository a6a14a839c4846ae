import DoorbellAuth
import DoorbellCore

/// Where a feature begins, and how its clients are told apart.
extension ConfigurationReader {
    /// A list that has to be looked through for each change; more entries are better kept as a claim of tokens.
    private static let maximumListed = 10_000

    private enum Kind: String, CaseIterable {
        case user, cookie, address
    }

    func start(_ section: ConfigurationSection) -> Rollout {
        let stage: Stage = section.choice("stage", default: .observe)
        let text = section.text("percent")
        guard stage == .canary else {
            if section["percent"] != nil {
                problem(
                    section["percent"]?.mark, "\(section.path).percent is for 'stage: canary'",
                    "leave it out with 'stage: \(stage.rawValue)'")
            }
            return Rollout(stage)
        }
        guard section["percent"] != nil else {
            problem(section["stage"]?.mark, "'percent' is missing in \(section.path)", "write 'percent: 1'")
            return Rollout(.observe)
        }
        guard let text else { return Rollout(.observe) }
        guard let percent = Percent(text) else {
            problem(
                section["percent"]?.mark,
                "\(section.path).percent must be from 0 to 100 with at most two decimals, not '\(text)'")
            return Rollout(.observe)
        }
        return Rollout(.canary, percent: percent)
    }

    func cohort(_ feature: ConfigurationSection) -> CohortRule {
        let standard = CohortRule.Identity.user(claim: tokenClaim, cookie: tokenCookie)
        guard let section = feature.section("cohort") else { return CohortRule(standard) }
        let kind: Kind = section.choice("by", default: section["cookie"] == nil ? .user : .cookie)
        let (claim, cookie) = (section.text("claim"), section.text("cookie"))
        if kind != .user, section["claim"] != nil {
            problem(section["claim"]?.mark, "\(section.path).claim is for 'by: user'")
        }
        if kind != .cookie, section["cookie"] != nil {
            problem(section["cookie"]?.mark, "\(section.path).cookie is for 'by: cookie'")
        }
        let identity: CohortRule.Identity
        switch kind {
        case .user: identity = .user(claim: claim ?? tokenClaim, cookie: tokenCookie)
        case .cookie:
            var places = TokenSourceConfiguration()
            places.cookie = cookie
            if section["cookie"] == nil {
                problem(section.mark, "'cookie' is missing in \(section.path)", "write 'cookie: session'")
            } else if let trouble = cookie == nil ? nil : places.problem {
                problem(section["cookie"]?.mark, "\(section.path).cookie: \(trouble)")
            }
            identity = .cookie(cookie ?? "")
        case .address: identity = .address
        }
        let (allow, deny) = (listed("allow", section, identity), listed("deny", section, identity))
        if let both = allow.intersection(deny).min() {
            problem(section["deny"]?.mark, "'\(both)' stands in both lists of \(section.path)")
        }
        return CohortRule(identity, allow: allow, deny: deny)
    }

    private func listed(
        _ key: String, _ section: ConfigurationSection, _ identity: CohortRule.Identity
    ) -> Set<String> {
        guard let elements = section.list(key) else { return [] }
        if elements.count > Self.maximumListed {
            problem(section[key]?.mark, "\(section.path).\(key) has more than \(Self.maximumListed) entries")
            return []
        }
        var names: Set<String> = []
        for (index, tree) in elements.enumerated() {
            let path = "\(section.path).\(key)[\(index)]"
            guard let text = text(tree, path) else { continue }
            if let name = CohortMember.listed(text, by: identity) {
                names.insert(name)
            } else {
                problem(tree.mark, "\(path) '\(text)' is not an address")
            }
        }
        return names
    }
}
