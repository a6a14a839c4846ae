import DoorbellCore

/// When keys are loaded again. Pure.
///
/// One load at a time. A set lives for its age and is then loaded again; a failed load keeps the old set and is tried again with
/// a growing distance. A token whose key nobody knows may bring a load forward, at most once in `unknownKeyInterval`, so that
/// strangers cannot make us knock at the issuer's door.
struct KeyRefreshPlan: Sendable {
    /// The bounds of a set's age.
    let ages: ClosedRange<Duration>
    /// For a set that says nothing about its age.
    let defaultAge: Duration
    let unknownKeyInterval: Duration
    /// The longest time between tries after failures; the first is ``firstRetry``, and each is twice the one before.
    let lastRetry: Duration

    static let firstRetry: Duration = .seconds(5)

    private(set) var isLoading = false
    private var dueAt: Timestamp?
    private var startedAt: Timestamp?
    private var failures = 0

    init(
        ages: ClosedRange<Duration>, defaultAge: Duration, unknownKeyInterval: Duration,
        lastRetry: Duration = .seconds(300)
    ) {
        self.lastRetry = lastRetry
        self.ages = ages
        self.defaultAge = defaultAge
        self.unknownKeyInterval = unknownKeyInterval
    }

    /// Time has passed. `true`: load now.
    mutating func tick(now: Timestamp) -> Bool {
        if isLoading { return false }
        if let dueAt, now < dueAt { return false }
        return start(now)
    }

    /// A token was met whose key nobody knows. `true`: load now.
    mutating func metUnknownKey(now: Timestamp) -> Bool {
        if isLoading { return false }
        if let startedAt, now < startedAt.advanced(by: unknownKeyInterval), now >= startedAt { return false }
        return start(now)
    }

    /// A person asks for it. `true`: load now.
    mutating func asked(now: Timestamp) -> Bool { isLoading ? false : start(now) }

    mutating func loaded(age: Duration?, now: Timestamp) {
        isLoading = false
        failures = 0
        dueAt = now.advanced(by: min(max(age ?? defaultAge, ages.lowerBound), ages.upperBound))
    }

    mutating func failed(now: Timestamp) {
        isLoading = false
        let distance = min(Self.firstRetry * (1 << min(failures, 10)), lastRetry)
        failures += 1
        dueAt = now.advanced(by: distance)
    }

    private mutating func start(_ now: Timestamp) -> Bool {
        isLoading = true
        startedAt = now
        return true
    }
}
