public import DoorbellCore

/// Channels that a token allows: a channel's name, in which `*` stands for one whole segment and a last `**` for one or more.
///
/// `user:42:*` matches `user:42:orders` and not `user:42:orders:7`; `user:42:**` matches both. Segments are divided by `:` and
/// `/`, as in ``ChannelTemplate``. At most ``ChannelName/maximumLength`` bytes.
public struct ChannelPattern: Hashable, Sendable {
    public let source: String

    /// `nil` when the text is no pattern.
    public init?(_ source: some StringProtocol) {
        let segments = source.utf8.split(omittingEmptySubsequences: false, whereSeparator: Self.isSeparator)
        for (index, segment) in segments.enumerated() where segment.contains(0x2A) {
            let isLast = index == segments.count - 1
            guard segment.elementsEqual("*".utf8) || isLast && segment.elementsEqual("**".utf8) else { return nil }
        }
        // A star is the only thing that a pattern has and a channel has not.
        guard ChannelName(String(decoding: source.utf8.map { $0 == 0x2A ? 0x2D : $0 }, as: UTF8.self)) != nil else {
            return nil
        }
        self.source = String(source)
    }

    public func matches(_ channel: ChannelName) -> Bool {
        var rest = channel.rawValue.utf8[...]
        var pattern = source.utf8[...]
        while true {
            let wanted = pattern.prefix { !Self.isSeparator($0) }
            let given = rest.prefix { !Self.isSeparator($0) }
            if wanted.elementsEqual("**".utf8) { return !given.isEmpty }
            guard wanted.elementsEqual("*".utf8) ? !given.isEmpty : wanted.elementsEqual(given) else { return false }
            pattern = pattern[wanted.endIndex...]
            rest = rest[given.endIndex...]
            guard let separator = pattern.popFirst() else { return rest.isEmpty }
            guard rest.popFirst() == separator else { return false }
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool { byte == 0x3A || byte == 0x2F }
}
