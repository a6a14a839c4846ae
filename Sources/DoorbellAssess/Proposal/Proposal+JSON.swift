internal import DoorbellCore

extension Proposal {
    /// For programs.
    public var json: String {
        let value: JSONValue = .object([
            ("features", .array(features.map(Self.value))), ("remarks", .array(remarks.map { .text($0) })),
        ])
        var bytes: [UInt8] = []
        value.write(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func value(_ feature: ProposedFeature) -> JSONValue {
        .object([
            ("name", .text(feature.name)), ("poll", .text(feature.poll)), ("interval", .number(feature.interval)),
            ("confidence", .text(feature.confidence.rawValue)), ("basis", .text(feature.basis)),
            ("mode", .text(feature.mode.rawValue)), ("modeReason", .text(feature.modeReason)),
            ("channel", .text(feature.channel)), ("tables", .array(feature.tables.map(value))),
            ("columns", .array(feature.columns.map { .text($0) })), ("hints", .array(feature.hints.map { .text($0) })),
        ])
    }

    private static func value(_ table: ProposedFeature.Table) -> JSONValue {
        let channel: (String, JSONValue) =
            switch table.channel {
            case .template(let text): ("channel", .text(text))
            case .query(let text): ("query", .text(text))
            }
        return .object([
            ("name", .text(table.name.description)), channel, ("reasons", .array(table.reasons.map { .text($0) })),
            ("facts", .text(table.facts)), ("warnings", .array(table.warnings.map { .text($0) })),
        ])
    }
}
