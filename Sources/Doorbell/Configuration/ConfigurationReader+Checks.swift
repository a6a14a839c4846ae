import DoorbellCore

/// What only shows when features are looked at as a whole, or side by side.
extension ConfigurationReader {
    func compare(_ read: [ReadFeature], retention: Duration) {
        for (index, one) in read.enumerated() {
            mapping(one)
            if one.feature.history.age > retention {
                warning(
                    one.mark,
                    "features.\(one.feature.name).history.age is longer than capture.retention: "
                        + "after a restart, history goes back \(Units.text(retention)) only")
            }
            for other in read[..<index] {
                if Self.shape(one.feature.poll) == Self.shape(other.feature.poll) {
                    problem(
                        one.mark,
                        "features.\(one.feature.name) and features.\(other.feature.name) have the same poll, '\(one.feature.poll)'"
                    )
                }
                overlap(one, other)
            }
        }
    }

    /// A channel leads to one feature, or nobody could say what a message on it means.
    private func overlap(_ one: ReadFeature, _ other: ReadFeature) {
        for template in one.feature.templates {
            if let taken = other.feature.templates.first(where: { $0.overlaps(template) }) {
                problem(
                    one.channelMark,
                    "the channel '\(template)' of features.\(one.feature.name) may be the same as '\(taken)' "
                        + "of features.\(other.feature.name)", "begin one of them with another word")
                return
            }
        }
    }

    /// Whether a polled URL leads to a channel, and a channel back to a URL.
    private func mapping(_ read: ReadFeature) {
        let feature = read.feature
        let names = Set(feature.poll.names)
        // With no rule read, the reason has been reported already.
        guard !feature.tables.isEmpty || feature.channel != nil else { return }
        claims(of: read)
        cache(of: read)
        let path = "features.\(feature.name)"
        if let channel = feature.channel, let name = channel.names.first(where: { !names.contains($0) }) {
            problem(
                read.channelMark, "'{\(name)}' in \(path).channel is not in the poll '\(feature.poll)'",
                Nearest.suggestion(for: name, among: feature.poll.names))
            return
        }
        if feature.channel == nil, !feature.templates.contains(where: { names.isSuperset(of: $0.names) }) {
            let message = "no channel of \(path) can be named from its poll '\(feature.poll)'"
            let hint = "set \(path).channel to a template made of the poll's own names"
            switch feature.authorize {
            case .poll: problem(read.channelMark, message, hint)
            case .public, .claims: warning(read.channelMark, message, hint)
            }
            return
        }
        if feature.authorize == .poll,
            let template = feature.templates.first(where: { !Set($0.names).isSuperset(of: names) })
        {
            warning(
                read.channelMark,
                "'\(template)' does not name every part of the poll '\(feature.poll)', so clients can subscribe to it by URL only"
            )
        }
    }

    /// The poll with its names left out.
    private static func shape(_ poll: PollPattern) -> String {
        var shape = ""
        var inside = false
        for character in poll.source {
            if character == "}" { inside = false }
            if !inside { shape.append(character) }
            if character == "{" { inside = true }
        }
        return shape
    }
}
