import DoorbellAuth
import DoorbellCore
import DoorbellServer

/// Pages of these origins may connect.
func allowing(_ origins: String...) throws -> OriginPolicy {
    var list = OriginConfiguration()
    list.allowed = origins
    return try OriginPolicy(list)
}

enum TestFeatures {
    static func notifications(
        slow: Feature.SlowPolicy = .reset, authorize: Feature.Authorization = .poll, stage: Stage = .push
    ) throws -> Feature {
        Feature(
            name: "notifications", poll: try PollPattern("GET /api/users/{user_id}/notifications"), tables: [],
            channel: try ChannelTemplate("user:{user_id}:notifications"),
            versions: [
                (try unwrap(SchemaVersion(1)), .all), (try unwrap(SchemaVersion(2)), .all),
            ],
            authorize: authorize, slow: slow, stage: stage)
    }

    /// A channel that does not say which URL it stands for.
    static func rooms() throws -> Feature {
        Feature(
            name: "rooms", poll: try PollPattern("GET /api/rooms/{room}/messages?as={user}"), tables: [],
            channel: try ChannelTemplate("room:{room}"), stage: .push)
    }

    /// Many channels, open to everybody, whose messages may wait for each other.
    static func boards(batch: Duration) throws -> Feature {
        Feature(
            name: "boards", poll: try PollPattern("GET /api/boards/{board}"), tables: [],
            channel: try ChannelTemplate("board:{board}"), authorize: .public, batch: batch, stage: .push)
    }

    /// Whoever's token has the organisation of the URL.
    static func orders() throws -> Feature {
        Feature(
            name: "orders", poll: try PollPattern("GET /api/orgs/{org}/orders"), tables: [],
            channel: try ChannelTemplate("org:{org}:orders"),
            authorize: .claims([Feature.ClaimRule(name: "org", claim: "org")]), stage: .push)
    }

    static func news() throws -> Feature {
        Feature(
            name: "news", poll: try PollPattern("GET /api/news"), tables: [], channel: try ChannelTemplate("news"),
            authorize: .public, stage: .push)
    }
}

struct Missing: Error {}

func unwrap<T>(_ value: T?) throws -> T {
    guard let value else { throw Missing() }
    return value
}
