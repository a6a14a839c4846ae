import DoorbellAuth
import DoorbellCore

/// `auth`: which tokens are good, and where they may stand.
extension ConfigurationReader {
    /// `nil` after a problem.
    func authentication(_ section: ConfigurationSection) -> Configuration.Authentication? {
        let keys = keys(section)
        var authentication = Configuration.Authentication(tokens: TokenConfiguration(keys: keys ?? .secret(Secret([]))))
        authentication.tokens.algorithms = algorithms(section)
        authentication.tokens.issuers = texts("issuers", section)
        authentication.tokens.audiences = texts("audiences", section)
        authentication.tokens.clockSkew = section.duration(
            "clockSkew", default: authentication.tokens.clockSkew, .zero ... .seconds(600))
        authentication.tokens.subjectClaim = section.text("subject") ?? authentication.tokens.subjectClaim
        authentication.tokens.channelsClaim = section.text("channels")
        authentication.places.cookie = section.text("cookie")
        authentication.places.allowsQueryToken = section.flag("queryToken", default: false)
        authentication.isRequired = section.flag("required", default: false)
        authentication.deadline = section.duration(
            "deadline", default: authentication.deadline, .seconds(1) ... .seconds(600))
        guard keys != nil else { return nil }
        if let trouble = authentication.tokens.problem ?? authentication.places.problem {
            problem(section.mark, "auth: \(trouble)")
        }
        return authentication
    }

    /// Exactly one source, because a token by any of them would do.
    private func keys(_ section: ConfigurationSection) -> TokenConfiguration.KeySource? {
        let given = ["secret", "pem", "jwks"].filter { section[$0] != nil }
        guard given.count == 1, let name = given.first else {
            problem(
                section.mark, given.isEmpty ? "auth names no keys" : "auth has \(given.joined(separator: " and "))",
                "write one of 'secret: ${JWT_SECRET}', 'pem: FILE', 'jwks: FILE' and 'jwks: https://…'")
            return nil
        }
        guard let text = section.text(name) else { return nil }
        switch name {
        case "secret":
            if case .scalar(let raw, _)? = section[name]?.kind, !raw.contains("${") {
                warning(section[name]?.mark, "auth.secret stands in the file", "write 'secret: ${JWT_SECRET}'")
            }
            return .secret(Secret(text))
        case "pem": return .pemFile(beside(text))
        default: return text.contains("://") ? .jwksURL(TokenConfiguration.KeySetURL(text)) : .jwksFile(beside(text))
        }
    }

    private func algorithms(_ section: ConfigurationSection) -> Set<TokenAlgorithm> {
        var algorithms: Set<TokenAlgorithm> = []
        for (index, tree) in (section.list("algorithms") ?? []).enumerated() {
            guard let name = text(tree, "auth.algorithms[\(index)]") else { continue }
            if let algorithm = TokenAlgorithm(rawValue: name) {
                algorithms.insert(algorithm)
            } else {
                let known = TokenAlgorithm.allCases.map(\.rawValue)
                problem(
                    tree.mark, "auth.algorithms[\(index)] '\(name)' is not one of \(known.joined(separator: ", "))",
                    Nearest.suggestion(for: name, among: known))
            }
        }
        return algorithms
    }

    private func texts(_ key: String, _ section: ConfigurationSection) -> [String] {
        (section.list(key) ?? []).enumerated().compactMap { text($1, "auth.\(key)[\($0)]") }
    }
}
