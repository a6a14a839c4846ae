import DoorbellCore
import DoorbellRollout
import DoorbellServer
import NIOHTTP1

/// A poll as it came: who polls what, and how. For the ledger.
struct PolledRequest {
    let poll: FeatureCatalog.Poll
    let key: PollMemory.Key
    var path: Ledger.Path
    let cohort: Ledger.Cohort
    /// Noted among those that poll still.
    let caller: PollCaller?
    /// Head, as on the wire.
    let bytesUp: Int

    init(_ poll: FeatureCatalog.Poll, _ head: HTTPRequestHead, guidance: PollGuidance, caller: PollCaller?) {
        self.poll = poll
        self.caller = caller
        key = PollObserver.key(head)
        path = Self.path(head)
        cohort = guidance.usesPush ? .push : .poll
        bytesUp = head.size
    }
}

extension PolledRequest {
    static func path(_ head: HTTPRequestHead) -> Ledger.Path {
        head.headers.contains(name: "if-none-match") ? .conditional : .poll
    }
}

/// What a poll was answered.
struct PolledAnswer {
    var status: HTTPResponseStatus
    /// Of the body; `nil` for an answer without one.
    var digest: UInt64?
    /// Head and body, as on the wire.
    var bytesDown: Int
    /// Of the body.
    var length: Int
    /// Where the log stood before the legacy API was asked.
    var position: Position?
    var servedBy = ServedBy.origin
    /// Requests to the legacy API; `nil`: as ``servedBy`` says.
    var originRequests: Int?
    /// How long the client waited for a change.
    var seconds = 0.0
}
