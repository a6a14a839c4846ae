public import DoorbellCore

/// Who is on the channels of features with presence, on this node. Pure.
///
/// *What is told is what holds at the tick.* Changes of a channel that somebody watches are gathered; a tick tells, of each member that
/// came or went since the one before, whether it is there, once, however often it came and went. So it may tell what a watcher knows
/// already from its list, and never leaves anybody with a wrong one.
///
/// A channel with more than ``maximumListed`` members is told as a number: a list for each of so many watchers would grow with the square.
public struct PresenceState {
    /// Members of a channel that are listed, and changes that are told one by one.
    public static let maximumListed = 1000

    public struct Member: Hashable, Sendable {
        /// Who it is to the application; `nil`: nobody said.
        public let user: String?
        public let session: String

        public init(user: String?, session: String) {
            self.user = user
            self.session = session
        }
    }

    /// Who is on a channel.
    public struct Roll: Equatable, Sendable {
        /// By session. Empty when there are more than ``PresenceState/maximumListed``.
        public let members: [Member]
        public let total: Int
    }

    /// What the watchers of a channel are told.
    public struct News: Equatable, Sendable {
        public enum Kind: Equatable, Sendable {
            /// Each list by session.
            case changes(joined: [Member], left: [Member])
            /// In the place of what was told before.
            case roll(Roll)
        }

        public let channel: ChannelName
        public let kind: Kind
    }

    private struct Channel {
        /// The user of each session that is there.
        var members: [String: String?] = [:]
        var watchers = 0
        /// The user of each session that came or went since the last tick. At most ``maximumListed``; beyond it everything is told.
        var changed: [String: String?] = [:]
        /// The next tick tells everything.
        var isUntold = false
        /// Watchers were told a number, so they have no list that changes could be applied to.
        var isNumber = false
    }

    private enum Phase: Equatable {
        case idle
        /// A tick has been asked for, or is being told.
        case ticking
    }

    /// Members over all channels. Beyond it nobody is added: a subscription without a place here is not shown.
    private let maximumMembers: Int
    private var channels: [ChannelName: Channel] = [:]
    private(set) var memberCount = 0
    /// Channels with something to tell.
    private var due: Set<ChannelName> = []
    private var phase = Phase.idle

    /// - Parameter maximumMembers: Some 100 bytes each.
    public init(maximumMembers: Int = 1_000_000) { self.maximumMembers = maximumMembers }

    // MARK: Members

    /// A session is on `channel`, or its user has become known.
    ///
    /// - Returns: Whether a tick is to be arranged, by ``tick()`` and then ``told()``.
    public mutating func join(_ member: Member, _ channel: ChannelName) -> Bool {
        var entry = channels[channel] ?? Channel()
        let isNew = entry.members[member.session] == nil
        if isNew {
            guard memberCount < maximumMembers else { return false }
            memberCount += 1
        }
        channels[channel] = nil
        entry.members[member.session] = .some(member.user)
        return changed(member.session, member.user, channel, entry)
    }

    /// The session is no longer on `channel`.
    ///
    /// - Returns: As of ``join(_:_:)``.
    public mutating func leave(_ session: String, _ channel: ChannelName) -> Bool {
        guard var entry = channels[channel], let user = entry.members[session] else { return false }
        channels[channel] = nil
        entry.members[session] = nil
        memberCount -= 1
        return changed(session, user, channel, entry)
    }

    private mutating func changed(
        _ session: String, _ user: String?, _ channel: ChannelName, _ given: Channel
    ) -> Bool {
        var entry = given
        defer { if !entry.members.isEmpty || entry.watchers > 0 { channels[channel] = entry } }
        guard entry.watchers > 0 else { return false }
        if entry.changed.count < Self.maximumListed || entry.changed[session] != nil {
            entry.changed[session] = .some(user)
        } else {
            entry.isUntold = true
        }
        due.insert(channel)
        defer { phase = .ticking }
        return phase == .idle
    }

    // MARK: Watchers

    /// One watcher more.
    ///
    /// - Returns: What it is told at once.
    public mutating func watch(_ channel: ChannelName) -> Roll {
        var entry = channels[channel] ?? Channel()
        channels[channel] = nil
        entry.watchers += 1
        if entry.watchers == 1 {
            entry.isNumber = entry.members.count > Self.maximumListed
            // What is being told is from before, and nobody noted what came after it.
            if phase == .ticking {
                entry.isUntold = true
                due.insert(channel)
            }
        }
        channels[channel] = entry
        return roll(of: entry)
    }

    public mutating func unwatch(_ channel: ChannelName) {
        guard var entry = channels[channel], entry.watchers > 0 else { return }
        channels[channel] = nil
        entry.watchers -= 1
        if entry.watchers == 0 {
            entry.changed = [:]
            entry.isUntold = false
            due.remove(channel)
        }
        if !entry.members.isEmpty || entry.watchers > 0 { channels[channel] = entry }
    }

    public func roll(of channel: ChannelName) -> Roll { roll(of: channels[channel] ?? Channel()) }

    private func roll(of entry: Channel) -> Roll {
        let isListed = entry.members.count <= Self.maximumListed
        let members = isListed ? entry.members.map { Member(user: $0.value, session: $0.key) } : []
        return Roll(members: members.sorted { $0.session < $1.session }, total: entry.members.count)
    }

    // MARK: Telling

    /// What is to be told now. ``told()`` has to follow when it was.
    public mutating func tick() -> [News] {
        let channels = due.sorted { $0.rawValue < $1.rawValue }
        due = []
        return channels.compactMap { news(of: $0) }
    }

    /// What the last tick gave has been handed to all watchers.
    ///
    /// - Returns: Whether another tick is to be arranged.
    public mutating func told() -> Bool {
        phase = due.isEmpty ? .idle : .ticking
        return phase == .ticking
    }

    private mutating func news(of channel: ChannelName) -> News? {
        guard var entry = channels[channel] else { return nil }
        channels[channel] = nil
        defer { channels[channel] = entry }
        let changed = entry.changed
        let isNumber = entry.members.count > Self.maximumListed
        let isWhole = entry.isUntold || isNumber || entry.isNumber
        entry.changed = [:]
        entry.isUntold = false
        entry.isNumber = isNumber
        if isWhole { return News(channel: channel, kind: .roll(roll(of: entry))) }
        var (joined, left): ([Member], [Member]) = ([], [])
        for (session, user) in changed.sorted(by: { $0.key < $1.key }) {
            let member = Member(user: user, session: session)
            if entry.members[session] != nil { joined.append(member) } else { left.append(member) }
        }
        return News(channel: channel, kind: .changes(joined: joined, left: left))
    }
}
