public import DoorbellCore

extension ServerMessage {
    /// Who is on a channel, or who came or went.
    public struct Presence: Equatable, Sendable {
        /// The most members in one message.
        public static let maximumMembers = 1000

        public enum Event: String, Sendable {
            /// The members are all who are there.
            case state
            /// The members have come.
            case join
            /// The members have gone.
            case leave
        }

        public struct Member: Equatable, Sendable {
            /// Who it is to the application; `nil` for a client that did not say.
            public var user: String?
            /// One connection of theirs.
            public var session: String

            public init(user: String?, session: String) {
                self.user = user
                self.session = session
            }
        }

        public let channel: ChannelName
        public let event: Event
        public let members: [Member]
        /// How many there are, when ``members`` had to be cut.
        public let total: Int?
        public let id: String?

        /// - Parameters:
        ///   - members: The first ``maximumMembers`` are told.
        ///   - total: How many there are, when `members` are not all of them; never less than `members` has.
        public init(channel: ChannelName, event: Event, members: [Member], total: Int? = nil, id: String? = nil) {
            self.channel = channel
            self.event = event
            self.members = Array(members.prefix(Self.maximumMembers))
            let all = max(members.count, total ?? 0)
            self.total = all > self.members.count ? all : nil
            self.id = id
        }

        func append(to frame: inout FrameBuilder) {
            frame.append(#"{"type":"presence","channel":"#)
            frame.append(plain: channel.rawValue)
            frame.append(#","event":"#)
            frame.append(plain: event.rawValue)
            frame.append(#","members":["#)
            var isFirst = true
            for member in members {
                if !isFirst { frame.append(",") }
                isFirst = false
                frame.append("{")
                if let user = member.user {
                    frame.append(#""user":"#)
                    frame.append(string: user)
                    frame.append(",")
                }
                frame.append(#""session":"#)
                frame.append(string: member.session)
                frame.append("}")
            }
            frame.append("]")
            if let total {
                frame.append(#","total":"#)
                frame.append(Int64(total))
            }
            frame.append(id: id)
        }
    }
}
