public import DoorbellCore
import DoorbellReport

/// What is simulated: so many clients, first polling, then pushed to, against the same changes.
public struct SimulationPlan: Sendable, Codable, Equatable {
    /// How clients are pushed to.
    public enum Transport: String, Sendable, Codable, CaseIterable {
        case webSocket = "ws"
        case eventStream = "sse"
        /// Polls that are held until there is something new, see ``heldSeconds``.
        case heldPoll = "long-poll"
    }

    /// 1 to ``maximumClients``.
    public var clients = 5000
    /// Seconds between two polls of a client.
    public var interval = 2.0
    /// Changed rows a second, of all users together.
    public var changeRate = 50.0
    /// Seconds that each phase is measured.
    public var duration = 30.0
    /// Polling with entity tags as a phase of its own.
    public var hasEntityTags = false
    /// Polling through Doorbell's cache as a phase of its own.
    public var hasCache = false
    public var transport = Transport.webSocket
    /// The same seed makes the same changes at the same moments, and the same polls.
    public var seed: UInt64 = 1

    public init() {}

    public static let maximumClients = 20_000
    /// Polls a second that all clients may make together: the load stays bounded whatever the options say.
    public static let maximumPolls = 20_000.0
    public static let maximumChanges = 1_000_000.0
    /// Of each user.
    static let rowsPerUser = 5
    /// How long a held poll waits, `Prefer: wait`.
    static let heldSeconds = 25
    /// Of a process with all clients, besides theirs: Doorbell keeps 256 for itself.
    private static let otherDescriptors = 320
    /// What Doorbell's default is: how often it asks again whether a subscriber may still read. In seconds.
    static let reauthorizeSeconds = 300

    var phases: [PhaseKind] {
        [.polling] + (hasEntityTags ? [.conditional] : []) + (hasCache ? [.cached] : []) + [.push(transport)]
    }

    /// Polls a second, by arithmetic.
    var intendedRate: Double { Double(clients) / interval }
    /// Polls an hour, by arithmetic.
    var hourly: Double { Double(clients) * 3600 / interval }

    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/usage``, naming the option as the command has it.
    public func check() throws(DoorbellError) {
        try Self.require((1...Self.maximumClients).contains(clients), "--clients must be 1 to \(Self.maximumClients)")
        try Self.require((0.1...3600).contains(interval), "--interval must be 100ms to 1h")
        try Self.require((0.01...2000).contains(changeRate), "--change-rate must be 0.01 to 2000 changes a second")
        try Self.require((1...3600).contains(duration), "--duration must be 1s to 1h")
        try Self.require(
            duration >= 2 * interval, "--duration must be twice --interval or more: a client has to poll a few times")
        try Self.require(
            intendedRate <= Self.maximumPolls,
            "\(clients) clients that poll every \(Figures.plain(interval, places: 3)) s are \(Figures.count(intendedRate)) polls a second; "
                + "at most \(Figures.count(Self.maximumPolls)): lower --clients or raise --interval")
        try Self.require(
            changeRate * duration <= Self.maximumChanges,
            "--change-rate and --duration make more than \(Figures.count(Self.maximumChanges)) changes")
    }

    /// - Parameter descriptors: That one process may have open.
    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/system``.
    func check(descriptors: Int) throws(DoorbellError) {
        let needed = clients + Self.otherDescriptors
        guard descriptors < needed else { return }
        let possible = descriptors - Self.otherDescriptors
        throw DoorbellError(
            .system,
            "\(clients) clients need \(needed) open files in one process, a socket each and \(Self.otherDescriptors) more; the limit is \(descriptors)",
            hint: "Raise it (ulimit -Hn \(needed), LimitNOFILE)\(possible > 0 ? ", or try --clients \(possible)" : "")."
        )
    }

    private static func require(_ holds: Bool, _ complaint: String) throws(DoorbellError) {
        if !holds { throw DoorbellError(.usage, complaint) }
    }
}
