import DoorbellCore

/// The query of a request target, looked through for `ticket` and `token`.
///
/// A `ticket` on a polled URL may be a parameter of the legacy API (a helpdesk has such), so there only one that looks like ours is
/// taken; under `/_doorbell/` everything is ours. What is not taken stays in ``legacyTarget``; in ``loggedTarget`` it is hidden
/// all the same.
struct RequestQuery {
    let loggedTarget: String
    let legacyTarget: String
    private(set) var tickets: [String] = []
    private(set) var tokens: [String] = []

    private static let ownPrefix = "/_doorbell/"
    /// Printable, because logged targets are read by people and by URL parsers.
    private static let hidden = "REDACTED"

    init(_ target: String, readsToken: Bool) {
        guard let mark = target.utf8.firstIndex(of: 0x3F) else {
            loggedTarget = target
            legacyTarget = target
            return
        }
        let path = target[..<mark]
        let isOwn = path.hasPrefix(Self.ownPrefix)
        var logged: [Substring] = []
        var legacy: [Substring] = []
        for pair in target[target.utf8.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false) {
            let sides = pair.utf8.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            // `%74oken` is `token` to whoever decodes it.
            let name = sides.first.flatMap { Self.decoded($0) }
            guard let lower = name?.lowercased(), lower == "ticket" || lower == "token" else {
                logged.append(pair)
                legacy.append(pair)
                continue
            }
            logged.append("\(Substring(sides[0]))=\(Self.hidden)")
            // A value that is no text is no credential, and is refused as one where it must be.
            let value = sides.count == 2 ? Self.decoded(sides[1]) ?? "" : ""
            if name == "ticket", isOwn || Ticket.isWellFormed(value) {
                tickets.append(value)
            } else if name == "token", readsToken {
                tokens.append(value)
            } else {
                legacy.append(pair)
            }
        }
        loggedTarget = "\(path)?\(logged.joined(separator: "&"))"
        legacyTarget = legacy.isEmpty ? String(path) : "\(path)?\(legacy.joined(separator: "&"))"
    }

    private static func decoded(_ text: Substring.UTF8View) -> String? { PercentEncoding.decode(text) }
}
