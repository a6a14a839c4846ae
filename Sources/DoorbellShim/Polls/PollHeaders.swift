import DoorbellCore
import NIOHTTP1

/// What a poll answer tells a client (PROTOCOL.md, section 1). Pure.
enum PollHeaders {
    /// - Parameters:
    ///   - position: Where the log stood before the legacy API was asked; `nil` while it is not open.
    ///   - guidance: What this client is told, by stage and cohort.
    ///   - milliseconds: How long the answer took.
    static func decorate(
        _ headers: inout HTTPHeaders, feature: Feature, position: Position?, guidance: PollGuidance,
        milliseconds: Double,
        servedBy: ServedBy = .origin
    ) {
        // The legacy API has no say in these; something behind it may be another Doorbell.
        for name in ["doorbell-position", "doorbell-feature", "doorbell-transport"] { headers.remove(name: name) }
        headers.add(name: "doorbell-feature", value: feature.name)
        if let position { headers.add(name: "doorbell-position", value: position.description) }
        let isPush = guidance.usesPush && position != nil
        headers.add(name: "doorbell-transport", value: isPush ? "push" : "poll")
        if isPush { headers.add(name: "link", value: #"</_doorbell/ws>; rel="https://doorbell.dev/rel/push""#) }
        if !guidance.notices.isEmpty {
            // Ours are for this URL; what the legacy API says of it besides stays.
            for name in ["deprecation", "sunset"] where guidance.notices.contains(where: { $0.name == name }) {
                headers.remove(name: name)
            }
            for notice in guidance.notices { headers.add(name: notice.name, value: notice.value) }
        }
        let tenths = Int((max(0, milliseconds) * 10).rounded())
        headers.add(
            name: "server-timing", value: "doorbell;desc=\(servedBy.rawValue);dur=\(tenths / 10).\(tenths % 10)")
    }
}
