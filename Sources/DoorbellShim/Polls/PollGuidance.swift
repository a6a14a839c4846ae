import DoorbellCore
import DoorbellRollout

/// What one client is told with the answer to its poll, by stage and cohort. Pure.
struct PollGuidance: Equatable {
    /// Whether it is told to use push, and push can be had.
    let usesPush: Bool
    /// What becomes of its poll.
    let verdict: Retirement.Verdict
    /// How polling ends: headers, in order. Empty but in stage `retired`.
    let notices: [(name: String, value: String)]

    init(
        usesPush: Bool, verdict: Retirement.Verdict = .answered, notices: [(name: String, value: String)] = []
    ) {
        self.usesPush = usesPush
        self.verdict = verdict
        self.notices = notices
    }

    static func == (a: PollGuidance, b: PollGuidance) -> Bool {
        guard a.usesPush == b.usesPush, a.verdict == b.verdict, a.notices.count == b.notices.count else { return false }
        return a.notices.isEmpty || a.notices.elementsEqual(b.notices) { $0 == $1 }
    }
}

/// Who polls a feature that push has begun for.
struct PollCaller {
    let key: PollerLedger.Key
    let agent: String?
    /// Whether its cohort is told to use push.
    let usesPush: Bool
}
