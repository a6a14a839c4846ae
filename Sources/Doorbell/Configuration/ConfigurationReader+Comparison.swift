import DoorbellRollout

/// `comparison`.
extension ConfigurationReader {
    func prices(_ comparison: ConfigurationSection) -> Prices {
        var prices = Prices()
        guard let section = comparison.section("prices") else { return prices }
        prices.requests = price("requests", section, default: prices.requests)
        prices.traffic = price("traffic", section, default: prices.traffic)
        prices.connections = price("connections", section, default: prices.connections)
        prices.cpu = price("cpu", section, default: prices.cpu)
        if let currency = section.text("currency") {
            if (1...8).contains(currency.count), currency.allSatisfy({ $0.isLetter || $0.isCurrencySymbol }) {
                prices.currency = currency
            } else {
                problem(
                    section["currency"]?.mark, "\(section.path).currency must be 1 to 8 letters, not '\(currency)'",
                    "write 'USD'")
            }
        }
        return prices
    }

    private func price(_ key: String, _ section: ConfigurationSection, default standard: Double) -> Double {
        guard let text = section.text(key) else { return standard }
        // Double(_:) takes more than people write as a number, such as `nan` and `0x1`.
        let isDecimal = text.allSatisfy { $0 == "." || ($0.isASCII && $0.isNumber) }
        guard isDecimal, let price = Double(text), price <= 1_000_000 else {
            problem(section[key]?.mark, "\(section.path).\(key) must be a number from 0 to 1000000, not '\(text)'")
            return standard
        }
        return price
    }

    func comparison(_ section: ConfigurationSection) -> Configuration.Comparison {
        var comparison = Configuration.Comparison()
        comparison.retention = section.duration(
            "retention", default: comparison.retention, .seconds(3600) ... .days(400))
        if let legacy = section.section("legacy") { comparison.legacy = self.legacy(legacy) }
        return comparison
    }

    private func legacy(_ section: ConfigurationSection) -> LegacyProcess.Place? {
        let (pid, group) = (section.text("pid"), section.text("cgroup"))
        if let group {
            if pid != nil {
                problem(
                    section["cgroup"]?.mark, "comparison.legacy has both 'pid' and 'cgroup'",
                    "name the one that holds all of the legacy API")
            }
            return .cgroup(beside(group))
        }
        guard let pid else {
            problem(section.mark, "comparison.legacy names neither 'pid' nor 'cgroup'", "write 'pid: /run/app.pid'")
            return nil
        }
        guard let number = Int32(pid) else { return .pidFile(beside(pid)) }
        if number < 1 { problem(section["pid"]?.mark, "comparison.legacy.pid must be a process, not '\(pid)'") }
        return .process(number)
    }
}
