import DoorbellCore

/// `admin`: an address, or a mapping with an address and a token.
extension ConfigurationReader {
    func admin(_ root: ConfigurationSection, into configuration: inout Configuration) {
        var section: ConfigurationSection?
        if case .mapping? = root["admin"]?.kind { section = root.section("admin") }
        if let section {
            configuration.admin = address("listen", "DOORBELL_ADMIN", default: configuration.admin, section)
        } else {
            configuration.admin = address("admin", "DOORBELL_ADMIN", default: configuration.admin, root)
        }
        configuration.adminToken = adminToken(section)
        guard configuration.adminToken == nil, !configuration.admin.isLoopback else { return }
        warning(
            root["admin"]?.mark,
            "\(configuration.admin) can be reached from beyond this machine, so it shows metrics and health only",
            "write 'admin: { listen: \(configuration.admin), token: ${ADMIN_TOKEN} }'")
    }

    private func adminToken(_ section: ConfigurationSection?) -> AdminToken? {
        var complain: (String, String?) -> Void = { self.problem(variable: "DOORBELL_ADMIN_TOKEN", $0, $1) }
        var text = environment["DOORBELL_ADMIN_TOKEN"] ?? ""
        if let section, text.isEmpty {
            guard let tree = section["token"] else { return nil }
            if case .scalar(let raw, _) = tree.kind, !raw.contains("${") {
                warning(tree.mark, "admin.token stands in the file", "write 'token: ${ADMIN_TOKEN}'")
            }
            guard let written = section.text("token") else { return nil }
            complain = { self.problem(tree.mark, $0, $1) }
            text = written
        }
        guard !text.isEmpty else { return nil }
        // The text is a secret, so it is not repeated.
        guard let token = AdminToken(text) else {
            complain(
                "admin.token must be \(AdminToken.length.lowerBound) to \(AdminToken.length.upperBound) letters, digits and signs without spaces",
                "'openssl rand -hex 24' makes one")
            return nil
        }
        return token
    }
}
