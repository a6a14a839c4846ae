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
}
