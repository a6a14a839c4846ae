import DoorbellAuth
import DoorbellCore
import DoorbellServer

/// The file's own keys, `capture` and `limits`.
extension ConfigurationReader {
    func configuration(_ tree: YAMLTree) -> Configuration? {
        guard let root = ConfigurationSection(tree, path: "", pattern: "", in: self) else { return nil }
        let database = database(root)
        let upstream = upstream(root)
        var configuration = Configuration(
            database: database ?? "", upstream: upstream ?? "", features: [])
        configuration.listen = address("listen", "DOORBELL_LISTEN", default: configuration.listen, root)
        admin(root, into: &configuration)
        if configuration.listen == configuration.admin, configuration.listen.port != 0 {
            problem(
                root["admin"]?.mark ?? root["listen"]?.mark,
                "'listen' and 'admin' are the same address, \(configuration.admin)")
        }
        if let upstream, configuration.listen.isReached(by: upstream) {
            problem(
                root["upstream"]?.mark ?? root["listen"]?.mark,
                "'upstream' is where Doorbell itself listens, \(configuration.listen)",
                "write where the legacy API listens")
        }
        if let upstream, configuration.admin.isReached(by: upstream) {
            problem(
                root["upstream"]?.mark ?? root["admin"]?.mark,
                "'upstream' is where Doorbell's admin port listens, \(configuration.admin)",
                "write where the legacy API listens, or another 'admin'")
        }
        configuration.origins = origins(root)
        configuration.compression = root.flag("compression", default: false)
        configuration.requestHeaders = requestHeaders(root)
        configuration.accessLog = root.text("accessLog").map { $0 == AccessLog.standardOutput ? $0 : beside($0) }
        if let section = root.section("tls") { configuration.tls = certificate(section) }
        hasAuthentication = root["auth"] != nil
        if let section = root.section("auth") {
            configuration.authentication = authentication(section)
            tokenClaim = configuration.authentication?.tokens.subjectClaim ?? tokenClaim
            tokenCookie = configuration.authentication?.places.cookie
        }
        if let section = root.section("capture") { configuration.capture = capture(section) }
        if let section = root.section("cache") { configuration.cache = cache(section) }
        if let section = root.section("comparison") {
            configuration.prices = prices(section)
            configuration.comparison = comparison(section)
        }
        if let section = root.section("limits") { configuration.limits = limits(section) }
        features(root, into: &configuration)
        return configuration
    }

    /// The variable wins over the file, whose value is not even looked at then.
    func value(
        _ key: String, _ variable: String, _ root: ConfigurationSection, example: String? = nil
    ) -> (text: String, complain: (String, String?) -> Void)? {
        if let text = environment[variable], !text.isEmpty {
            return (text, { self.problem(variable: variable, $0, $1) })
        }
        guard let text = example.map({ root.required(key, $0) }) ?? root.text(key) else { return nil }
        let mark = root[key]?.mark
        return (text, { self.problem(mark, $0, $1) })
    }

    private func database(_ root: ConfigurationSection) -> String? {
        guard let (text, complain) = value("database", "DOORBELL_DATABASE", root, example: "${DATABASE_URL}") else {
            return nil
        }
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") { return text }
        if !text.contains("://"), text.contains("=") { return text }
        // The text may hold a password, so it is not repeated.
        complain("database is neither a PostgreSQL URL nor 'key=value' text", "write 'postgres://user@host/name'")
        return nil
    }

    private func upstream(_ root: ConfigurationSection) -> String? {
        guard let (text, complain) = value("upstream", "DOORBELL_UPSTREAM", root, example: "http://127.0.0.1:3000")
        else { return nil }
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            // What stands before an @ may be a password, so it is not repeated.
            let shown = text.contains("@") ? "" : ", not '\(text)'"
            complain(
                "upstream must begin with 'http://' or 'https://'\(shown)",
                shown.isEmpty || text.contains("://") ? nil : "did you mean 'http://\(text)'?")
            return nil
        }
        var url = text
        while url.hasSuffix("/"), url.count > scheme.count { url.removeLast() }
        do {
            _ = try URLAuthority(url.dropFirst(scheme.count).prefix { !"/?#".contains($0) })
        } catch {
            let shown = text.contains("@") ? "" : " '\(text)'"
            complain("upstream\(shown) \(error)", "write it like http://127.0.0.1:3000")
            return nil
        }
        guard !url.contains(where: { $0.isWhitespace || $0 == "?" || $0 == "#" }) else {
            let shown = text.contains("@") ? "" : ", not '\(text)'"
            complain("upstream must be a URL without spaces, '?' or '#'\(shown)", nil)
            return nil
        }
        return url
    }

    func address(
        _ key: String, _ variable: String, default standard: ListenAddress, _ root: ConfigurationSection
    ) -> ListenAddress {
        guard let (text, complain) = value(key, variable, root) else { return standard }
        do {
            return try ListenAddress(text)
        } catch {
            complain("\(key): \(error)", nil)
            return standard
        }
    }

    private func origins(_ root: ConfigurationSection) -> [String] {
        var origins: [String] = []
        for (index, tree) in (root.list("origins") ?? []).enumerated() {
            guard let text = text(tree, "origins[\(index)]") else { continue }
            var list = OriginConfiguration()
            list.allowed = [text]
            do throws(OriginPolicy.SyntaxError) {
                _ = try OriginPolicy(list)
                if !origins.contains(text) { origins.append(text) }
            } catch {
                problem(tree.mark, "origins[\(index)]: \(error)")
            }
        }
        return origins
    }

    private func requestHeaders(_ root: ConfigurationSection) -> Set<String> {
        var names: Set<String> = []
        for (index, tree) in (root.list("requestHeaders") ?? []).enumerated() {
            guard let name = text(tree, "requestHeaders[\(index)]")?.lowercased() else { continue }
            if let reason = CallHeaders.problem(with: name) {
                problem(tree.mark, "requestHeaders[\(index)]: '\(name)' \(reason)")
            } else {
                names.insert(name)
            }
        }
        return names
    }

    private func capture(_ section: ConfigurationSection) -> Configuration.Capture {
        var capture = Configuration.Capture()
        capture.retention = section.duration("retention", default: capture.retention, .seconds(10) ... .days(7))
        capture.bell = section.choice("bell", default: capture.bell)
        capture.role = section.text("role") ?? capture.role
        if capture.role.utf8.count > 63 {
            problem(section["role"]?.mark, "capture.role is longer than the 63 bytes that PostgreSQL allows")
        }
        capture.publishers = publishers(section)
        return capture
    }

    private func publishers(_ section: ConfigurationSection) -> [String] {
        var roles: [String] = []
        for (index, tree) in (section.list("publishers") ?? []).enumerated() {
            guard let role = text(tree, "capture.publishers[\(index)]") else { continue }
            // PUBLIC is no role: everybody who can log in could write to every channel.
            if role.utf8.count > 63 || role.lowercased() == "public" {
                problem(tree.mark, "capture.publishers[\(index)] '\(role)' is not a role of PostgreSQL")
            } else if !roles.contains(role) {
                roles.append(role)
            }
        }
        return roles
    }

    private func cache(_ section: ConfigurationSection) -> Configuration.Cache {
        var cache = Configuration.Cache()
        cache.size = section.size("size", default: cache.size, 1 << 20...64 << 30)
        cache.lag = section.duration("lag", default: cache.lag, .seconds(2) ... .seconds(60))
        return cache
    }

    private func limits(_ section: ConfigurationSection) -> Configuration.Limits {
        var limits = Configuration.Limits()
        limits.connections = section.number("connections", default: limits.connections, 1...1_000_000)
        limits.connectionsPerAddress = section.number(
            "connectionsPerAddress", default: limits.connectionsPerAddress, 0...1_000_000)
        limits.unlimitedAddresses = addresses("unlimitedAddresses", default: limits.unlimitedAddresses, section)
        limits.subscriptionsPerConnection = section.number(
            "subscriptionsPerConnection", default: limits.subscriptionsPerConnection, 1...100_000)
        limits.requestsPerConnection = section.number(
            "requestsPerConnection", default: limits.requestsPerConnection, 0...1000)
        limits.messageSize = section.size("messageSize", default: limits.messageSize, 1 << 10...16 << 20)
        limits.publishSize = section.size(
            "publishSize", default: limits.publishSize, 1...DirectMessage.maximumData)
        limits.messageRate = section.number("messageRate", default: limits.messageRate, 1...1_000_000)
        limits.sendBudget = section.size("sendBudget", default: limits.sendBudget, 16 << 10...1 << 30)
        limits.headerSize = section.size("headerSize", default: limits.headerSize, 1 << 10...1 << 20)
        limits.handshakeTime = section.duration(
            "handshakeTime", default: limits.handshakeTime, .milliseconds(100) ... .seconds(600))
        limits.idleTime = section.duration("idleTime", default: limits.idleTime, .seconds(1) ... .seconds(3600))
        limits.tunnels = section.number("tunnels", default: limits.tunnels, 0...1_000_000)
        limits.tunnelIdleTime = section.duration(
            "tunnelIdleTime", default: limits.tunnelIdleTime, .seconds(1) ... .seconds(7 * 86_400))
        limits.stallTime = section.duration("stallTime", default: limits.stallTime, .seconds(1) ... .seconds(3600))
        limits.heartbeat = section.duration("heartbeat", default: limits.heartbeat, .seconds(1) ... .seconds(600))
        limits.reauthorize = section.duration("reauthorize", default: limits.reauthorize, .seconds(1) ... .days(1))
        limits.upstreamTimeout = section.duration(
            "upstreamTimeout", default: limits.upstreamTimeout, .milliseconds(100) ... .seconds(3600))
        return limits
    }
}

extension Duration {
    static func days(_ days: Int) -> Duration { .seconds(days * 86_400) }
}
