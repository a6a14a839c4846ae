import DoorbellCore
import DoorbellWire

extension Session {
    enum Action: Equatable {
        case send(ServerMessage)
        /// Subscribe at the shard, then send ``Session/subscribed(_:position:recovered:)``, then the replay.
        case join(Join)
        case leave(ChannelName)
        /// Ask the legacy API for `target` with the client's own headers; the answer comes back with `token` as
        /// ``Session/answered(token:_:now:)``.
        case ask(token: Int, target: String)
        /// A WebSocket ping.
        case ping
        /// Send a close frame. Nothing is sent after it.
        case close(CloseCode)
    }

    /// One subscription that is about to begin.
    struct Join: Equatable {
        let channel: ChannelName
        let feature: Feature
        let version: SchemaVersion
        /// From where the shard replays.
        let since: Position?
        let start: Start
        let id: String?
        let snapshot: ServerMessage.Snapshot?

        /// What the client asked for.
        enum Start: Equatable {
            /// Nothing: from now on.
            case latest
            case earliest
            case position
            /// Something that is not a position of ours.
            case unknown
        }

        static func == (a: Join, b: Join) -> Bool {
            a.channel == b.channel && a.feature === b.feature && a.version == b.version && a.since == b.since
                && a.start == b.start && a.id == b.id && a.snapshot == b.snapshot
        }
    }

    struct Subscription {
        enum State: Equatable {
            /// The legacy API is being asked. Leaves to `live`, or the subscription goes.
            case asking(token: Int)
            /// Joined at the shard.
            case live
        }
        var state: State
        let feature: Feature
        let version: SchemaVersion
        /// The polled URL that gives the right; `nil` where no right is needed.
        let target: String?
    }

    enum Ask {
        case subscribe(Request)
        /// Whether what is subscribed by `target` may stay so.
        case reauthorize(target: String)
    }

    /// A subscribe that waits for the legacy API.
    struct Request {
        /// Those not unsubscribed since.
        var channels: [ChannelName]
        let target: String
        let start: Join.Start
        /// The client's position, or where the log stood before the legacy API was asked.
        let since: Position?
        let id: String?
        let wantsSnapshot: Bool
        /// Joined even when the legacy API says no.
        let isPublic: Bool
    }
}
