import DoorbellCore

/// Messages of features with a window (``Feature/batch``) that wait to be told together. Pure.
///
/// A window is a feature's: it opens with the first message that is held and closes for all of the feature's channels at once, so one
/// timer serves them all. A channel's messages leave before when they are a whole batch, and at once when one of them is a `reset`.
struct BatchWindows {
    /// Messages of one channel; more are no better together.
    static let maximumMessages = 256
    /// Messages of all channels; with one more, everything is told. They are mostly those of the history, so what this costs is
    /// some 16 bytes each.
    static let maximumHeld = 65_536

    /// One window of one feature.
    struct Window: Equatable {
        fileprivate let feature: ObjectIdentifier
        fileprivate let number: Int
    }

    /// What comes of holding a message.
    struct Held {
        /// The messages of channels that are to be told now, each oldest first.
        var due: [[Publication]] = []
        /// To be closed after ``Feature/batch``.
        var opened: Window?
    }

    private struct Waiting {
        var publications: [Publication] = []
        var length = 0
    }

    private let maximumLength: Int
    private var channels: [ChannelName: Waiting] = [:]
    private var windows: [ObjectIdentifier: (window: Window, channels: Set<ChannelName>)] = [:]
    private var nextNumber = 0
    /// Messages that are held.
    private(set) var count = 0

    /// - Parameter maximumLength: Of one channel's messages together, about, in bytes.
    init(maximumLength: Int) { self.maximumLength = maximumLength }

    func holds(_ channel: ChannelName) -> Bool { channels[channel] != nil }

    /// Those that are open, in the order in which they were opened.
    var open: [Window] { windows.values.map(\.window).sorted { $0.number < $1.number } }

    mutating func hold(_ publication: Publication) -> Held {
        var held = Held()
        let name = publication.channel
        let feature = ObjectIdentifier(publication.feature)
        if windows[feature] == nil {
            let window = Window(feature: feature, number: nextNumber)
            nextNumber += 1
            windows[feature] = (window, [])
            held.opened = window
        }
        windows[feature]?.channels.insert(name)
        channels[name, default: Waiting()].publications.append(publication)
        channels[name, default: Waiting()].length += publication.length
        count += 1
        if count > Self.maximumHeld {
            held.due = open.flatMap { close($0) }
            held.opened = nil
        } else if isDue(name, after: publication) {
            windows[feature]?.channels.remove(name)
            held.due = take(name).map { [$0] } ?? []
        }
        return held
    }

    /// - Returns: What was held in it; nothing when it is closed already.
    mutating func close(_ window: Window) -> [[Publication]] {
        guard let open = windows[window.feature], open.window == window else { return [] }
        windows[window.feature] = nil
        return open.channels.compactMap { take($0) }
    }

    private func isDue(_ name: ChannelName, after publication: Publication) -> Bool {
        if case .reset = publication.content { return true }
        guard let waiting = channels[name] else { return false }
        return waiting.publications.count >= Self.maximumMessages || waiting.length >= maximumLength
    }

    private mutating func take(_ name: ChannelName) -> [Publication]? {
        guard let waiting = channels.removeValue(forKey: name) else { return nil }
        count -= waiting.publications.count
        return waiting.publications
    }
}

extension Publication {
    /// About how long its message is, in bytes: the mean of its versions.
    fileprivate var length: Int { 240 + (cost - Self.overhead) / (2 * max(1, feature.versions.count)) }
}
