/// One request of a log, without its text.
struct LogEntry: Equatable {
    /// Milliseconds since 1970.
    var time: Int64 = 0
    /// Who asked: the address, the agent and, where the log has one, the user.
    var client: UInt64 = 0
    /// Where it came from.
    var address: UInt32 = 0
    /// What was asked for: the path and the query without values that change from poll to poll.
    var url: UInt64 = 0
    /// The method, and the path with what looks like an identifier left out.
    var shape: UInt64 = 0
    /// The names in the query; 0 without one.
    var queryNames: UInt64 = 0
    /// Of the answer's body, or of all of it: as the log counts.
    var bytes: UInt32 = 0
    /// Microseconds that the answer took.
    var duration: UInt32 = Self.unknownDuration
    /// Where the request target begins: in the block's bytes, or in ``LogBlock/decoded`` when ``isDecoded``.
    var targetOffset: UInt32 = 0
    var targetLength: UInt16 = 0
    var status: UInt16 = 0
    var method = LogMethod.other
    var agent = AgentKind.none
    var kind = TargetKind.plain
    var isDecoded = false

    static let unknownDuration = UInt32.max
}

/// The methods that make a difference here.
enum LogMethod: UInt8, Sendable {
    case get, head, post, put, patch, delete, options, other

    var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "OTHER"
        }
    }

    init(_ bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 3 where bytes.elementsEqual("GET".utf8): self = .get
        case 3 where bytes.elementsEqual("PUT".utf8): self = .put
        case 4 where bytes.elementsEqual("POST".utf8): self = .post
        case 4 where bytes.elementsEqual("HEAD".utf8): self = .head
        case 5 where bytes.elementsEqual("PATCH".utf8): self = .patch
        case 6 where bytes.elementsEqual("DELETE".utf8): self = .delete
        case 7 where bytes.elementsEqual("OPTIONS".utf8): self = .options
        default: self = .other
        }
    }
}

/// What the end of a path says about an answer.
enum TargetKind: UInt8, Sendable {
    case plain
    /// A script, a picture, a font: `app.js`.
    case file
    /// A playlist that players fetch again and again: `live.m3u8`.
    case playlist
}
