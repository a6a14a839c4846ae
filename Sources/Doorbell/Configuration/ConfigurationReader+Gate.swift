import DoorbellCore

/// `gate` of a feature.
extension ConfigurationReader {
    func gate(_ feature: ConfigurationSection, parity: ParitySettings) -> GateSettings? {
        guard let section = feature.section("gate") else { return nil }
        var gate = GateSettings()
        gate.interval = section.duration("interval", default: gate.interval, .seconds(1) ... .days(1))
        gate.threshold = section.number("threshold", default: gate.threshold, 1...1000)
        gate.step = percent("step", section, default: gate.step)
        gate.max = percent("max", section, default: gate.max)
        gate.minimum = section.number("minimum", default: gate.minimum, 1...1_000_000)
        gate.missed = percent("missed", section, default: gate.missed)
        gate.spurious = percent("spurious", section, default: gate.spurious)
        gate.errors = percent("errors", section, default: gate.errors)
        if section["staleness"] != nil {
            gate.staleness = section.duration("staleness", default: .seconds(1), .milliseconds(1) ... .days(1))
        }
        gate.reconnects = section.number("reconnects", default: gate.reconnects, 1...100_000)
        gate.webhook = webhook(section)
        for (key, percent) in [("step", gate.step), ("max", gate.max)] where percent == .zero {
            problem(section[key]?.mark, "\(section.path).\(key) is 0, so the gate would never move anything")
        }
        if !parity.isEnabled {
            problem(
                section.mark, "\(section.path) decides by parity, which is not enabled for this feature",
                "leave \(feature.path).parity.enabled out")
        }
        return gate
    }

    private func percent(_ key: String, _ section: ConfigurationSection, default standard: Percent) -> Percent {
        guard let text = section.text(key) else { return standard }
        guard let percent = Percent(text) else {
            problem(
                section[key]?.mark,
                "\(section.path).\(key) must be from 0 to 100 with at most two decimals, not '\(text)'")
            return standard
        }
        return percent
    }

    private func webhook(_ section: ConfigurationSection) -> String? {
        guard let text = section.text("webhook") else { return nil }
        let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
        guard let scheme, text.utf8.count > scheme.utf8.count, !text.contains(where: \.isWhitespace) else {
            // It may hold a secret, so it is not repeated.
            problem(section["webhook"]?.mark, "\(section.path).webhook must be an http or https URL")
            return nil
        }
        return text
    }
}
