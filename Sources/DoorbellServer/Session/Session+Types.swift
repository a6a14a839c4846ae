import DoorbellCore
import DoorbellWire

extension Session {
    enum Action: Equatable {
        case send(ServerMessage)
        /// Subscribe at the shard, then send ``Session/subscribed(_:position:recovered:)``, then the replay.
        case join(Join)
        case leave(ChannelName)
        /// Write it into the log; ``Session/published(_:_:)`` follows.
        case publish(Outgoing)
        /// Ask for the durable cursor of `client`; ``Session/opened(_:of:token:)`` follows.
        case openCursor(token: Int, client: String, channel: ChannelName, at: Position)
        /// Move a durable cursor.
        case acknowledge(CursorKey, Position)
        /// Ask the legacy API for `target` with the client's own headers; the answer comes back with `token` as
        /// ``Session/answered(token:_:now:)``.
        case ask(token: Int, target: String)
        /// Call the legacy API; the answer comes back as ``Session/called(_:_:)``.
        case call(ClientMessage.Request)
        /// Tell who is on the channel, and from then on who comes and goes.
        case watchPresence(ChannelName, id: String?)
        /// Look at a token; what it says comes back as ``Session/verified(_:_:id:)``.
        case verify(token: String, id: String?)
        /// The client is who this token says: ``Session/deadline`` is another one, and the legacy API is shown this token.
        case adopt(token: String)
        /// Count a client whose state was not what a poll said.
        case drifted(Drift)
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
        /// Where the log stood before ``snapshot`` was asked for.
        var snapshotAt: Position?
        /// Whether it goes on from the client's durable cursor.
        var isRedelivery = false
        /// What is asked for after each change, in features with `mode: answer`.
        var answers: AnswerRequest?

        /// The same subscription without the client's own position, which history does not reach back to: it begins with the
        /// snapshot. `nil` when there is none.
        var fromSnapshot: Join? {
            guard start != .latest, snapshot != nil, let snapshotAt else { return nil }
            return Join(
                channel: channel, feature: feature, version: version, since: snapshotAt, start: .latest, id: id,
                snapshot: snapshot, snapshotAt: snapshotAt, answers: answers)
        }

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
                && a.start == b.start && a.id == b.id && a.snapshot == b.snapshot && a.snapshotAt == b.snapshotAt
                && a.answers == b.answers
        }
    }

    /// What a subscriber of a feature with `mode: answer` wants to know.
    struct AnswerRequest: Equatable {
        let target: String
        let wantsPatches: Bool
    }

    struct Subscription {
        enum State: Equatable {
            /// The legacy API is being asked. Leaves to `live`, or the subscription goes.
            case asking(token: Int)
            /// The client's durable cursor is being asked for. Leaves to `live`, or the subscription goes.
            case opening(token: Int)
            /// Joined at the shard.
            case live
        }
        var state: State
        let feature: Feature
        let version: SchemaVersion
        /// The polled URL that gives the right; `nil` where the feature is public or the token gives it.
        let target: String?
        /// `nil` where acknowledgements are not kept.
        var cursor: DurableCursor?
    }

    enum Ask {
        case subscribe(Request)
        /// The subscription goes on when its durable cursor is known.
        case cursor(Join)
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
        /// Where the log stood before the legacy API was asked.
        let askedAt: Position
        /// Whose durable cursor it is to go on from.
        let client: String?
        let id: String?
        let wantsSnapshot: Bool
        let wantsPatches: Bool
        /// Joined even when the legacy API says no.
        let isPublic: Bool
        /// Whether the answer is what gives the right, and is asked for again. Otherwise it is a snapshot only.
        let givesRight: Bool
    }
}
