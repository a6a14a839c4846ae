import DoorbellCore

/// `features.<name>.authorize`: a word, or what a token has to claim.
extension ConfigurationReader {
    private enum Word: String, CaseIterable {
        case poll
        case `public`
    }

    /// More names than a channel has are a mistake.
    private static let maximumClaims = 16

    func authorization(_ section: ConfigurationSection) -> Feature.Authorization {
        asked.insert("features.<name>.authorize.<name>")
        guard let tree = section["authorize"], case .mapping(let members) = tree.kind else {
            let word: Word = section.choice("authorize", default: .poll)
            return word == .public ? .public : .poll
        }
        let path = "\(section.path).authorize"
        // Repeated keys are reported by the section; what is wrong here is never read as `public`.
        guard section.section("authorize", ownKeys: true) != nil else { return .poll }
        guard (1...Self.maximumClaims).contains(members.count) else {
            problem(
                tree.mark, members.isEmpty ? "\(path) is empty" : "\(path) has more than \(Self.maximumClaims) names",
                "write 'authorize: { user_id: sub }', or 'authorize: public' for everybody")
            return .poll
        }
        var rules: [Feature.ClaimRule] = []
        for member in members {
            guard let claim = text(member.value, "\(path).\(member.key)") else { continue }
            if !Self.isClaimPath(claim) {
                problem(
                    member.value.mark, "\(path).\(member.key) '\(claim)' is not a path to a claim",
                    "write a claim's name, such as 'sub', or 'org.id' for a claim inside another")
            } else if !rules.contains(where: { $0.name == member.key }) {
                rules.append(Feature.ClaimRule(name: member.key, claim: claim))
            }
        }
        return rules.count == members.count ? .claims(rules) : .poll
    }

    /// Every channel of the feature has to have the names that a token must claim: one that has not could not be checked.
    func claims(of read: ReadFeature) {
        guard case .claims(let rules) = read.feature.authorize else { return }
        for rule in rules {
            if let template = read.feature.templates.first(where: { !$0.names.contains(rule.name) }) {
                problem(
                    read.authorizeMark,
                    "'\(rule.name)' in features.\(read.feature.name).authorize is not in the channel '\(template)'",
                    Nearest.suggestion(for: rule.name, among: template.names))
                return
            }
        }
        if !hasAuthentication {
            problem(
                read.authorizeMark,
                "features.\(read.feature.name).authorize is by a token's claims, and there is no 'auth'",
                "write 'auth: { secret: ${JWT_SECRET} }', or where the keys are")
        }
    }

    /// Names with dots between, none of them empty; printable ASCII, because a claim is compared by its bytes.
    private static func isClaimPath(_ text: String) -> Bool {
        text.utf8.count <= 256 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
    }
}
