public import DoorbellCore

/// How the lines of a log are written.
public struct LogFormat: Sendable, CustomStringConvertible {
    enum Kind: Sendable {
        case template(LineTemplate)
        case json(client: String?)
    }

    public let description: String
    let kind: Kind

    /// The names that ``init(_:client:)`` knows, the most particular first: that is the order in which they are tried.
    public static let names = ["alb", "vhost-combined", "combined", "vhost-common", "common", "json"]

    /// - Parameters:
    ///   - text: One of ``names``, or a format string of nginx or Apache.
    ///   - client: A variable of the format that says who the client is, instead of address and agent: `$cookie_session`, `%{session}C`,
    ///     or the name of a member of JSON lines.
    /// - Throws: ``DoorbellError`` that says what is wrong with it.
    public init(_ text: String, client: String? = nil) throws(DoorbellError) {
        description = text
        if text == "json" {
            kind = .json(client: client)
            return
        }
        do {
            kind = .template(try LineTemplate(Self.template(text) ?? text, client: client))
        } catch {
            throw DoorbellError(
                .usage, "the format '\(text)' cannot be used: \(error.description)",
                hint: "give one of \(Self.names.joined(separator: ", ")), or a format string of nginx or Apache")
        }
    }

    private static func template(_ name: String) -> String? {
        switch name {
        case "common": #"%h %l %u %t "%r" %>s %b"#
        case "combined": #"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#
        case "vhost-common": #"%v:%p %h %l %u %t "%r" %>s %b"#
        case "vhost-combined": #"%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#
        case "alb": LineTemplate.loadBalancer
        default: nil
        }
    }

    /// How many of the first lines are in the format that most of them are in.
    struct Guess {
        let format: LogFormat
        let lines: Int
        let all: Int

        /// At least half of them.
        var isSure: Bool { lines * 2 >= all }
    }

    /// - Parameter client: As in ``init(_:client:)``.
    /// - Returns: `nil` when not one line is in a known format.
    static func guess(_ bytes: UnsafeRawBufferPointer, client: String?) -> Guess? {
        var best: Guess?
        for name in names {
            guard let format = try? LogFormat(name, client: name == "json" ? client : nil) else { continue }
            var parser = LineParser(format)
            var good = 0
            var all = 0
            var rest = bytes[...]
            var decoded: [UInt8] = []
            while !rest.isEmpty, all < 100 {
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
                rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
                guard !line.isEmpty else { continue }
                all += 1
                if case .success = parser.parse(line, at: 0, decoded: &decoded) { good += 1 }
                decoded.removeAll(keepingCapacity: true)
            }
            if good > best?.lines ?? 0 { best = Guess(format: format, lines: good, all: all) }
        }
        return best
    }
}

extension LineTemplate {
    /// The access log of an AWS Application Load Balancer.
    fileprivate static let loadBalancer =
        "%{type}n %{%s}t %{elb}n %{client:port}n %{target:port}n %{s}n %T %{s}n %>s %{status}n %I %b \"%r\" \"%{User-Agent}i\""
}
