import DoorbellCore
import Synchronization

/// Radio-on time of a sample of clients, each taken to be alone on a phone (``RadioClock``). Many threads write.
///
/// Callers that poll are chosen by their identities, a smaller part of them the more there are, so that those who poll often are not preferred;
/// connections as they come. Bounded: ``maximumPollers`` and ``maximumConnections``.
///
/// Times are seconds of one clock that never goes back.
public final class RadioSampler: Sendable {
    public static let maximumPollers = 1000
    public static let maximumConnections = 500
    /// One who has been silent for so long has gone.
    private static let patience = 900.0

    private struct Client {
        var path: Ledger.Path
        var clock = RadioClock()
        var last: Double
    }

    private struct State {
        var pollers: [UInt64: Client] = [:]
        var connections: [ObjectIdentifier: RadioProbe] = [:]
        /// Of those who have gone.
        var gone: [Ledger.Path: ComparisonReport.RadioUsage] = [:]
    }

    private let state = Locked(State())
    /// Callers with any of these bits are not looked at.
    private let mask = Atomic<UInt64>(0)

    public init() {}

    // MARK: Polls

    /// - Parameter caller: Evenly distributed.
    public func polled(_ caller: UInt64, path: Ledger.Path, at moment: Double) {
        guard caller & mask.load(ordering: .relaxed) == 0 else { return }
        state.withLock { state in
            var client = state.pollers[caller] ?? Client(path: path, last: moment)
            client.path = path
            client.last = moment
            client.clock.transfer(at: moment)
            state.pollers[caller] = client
            if state.pollers.count > Self.maximumPollers { narrow(&state, now: moment) }
        }
    }

    private func narrow(_ state: inout State, now: Double) {
        leave(&state, now: now)
        guard state.pollers.count > Self.maximumPollers * 3 / 4 else { return }
        let narrower = mask.load(ordering: .relaxed) << 1 | 1
        mask.store(narrower, ordering: .relaxed)
        state.pollers = state.pollers.filter { $0.key & narrower == 0 }
    }

    private func leave(_ state: inout State, now: Double) {
        for (caller, client) in state.pollers where now - client.last > Self.patience {
            // Since its last poll it may have been away, or gone.
            Self.add(client.clock, to: &state.gone, client.path, until: client.last + RadioClock.foregroundGap)
            state.pollers[caller] = nil
        }
    }

    // MARK: Connections

    /// A client is pushed to from now on. `nil`: it is not looked at.
    public func connected(at moment: Double) -> RadioProbe? {
        state.withLock { state in
            guard state.connections.count < Self.maximumConnections else { return nil }
            let probe = RadioProbe(at: moment)
            state.connections[ObjectIdentifier(probe)] = probe
            return probe
        }
    }

    public func disconnected(_ probe: RadioProbe, at moment: Double) {
        state.withLock { state in
            guard state.connections.removeValue(forKey: ObjectIdentifier(probe)) != nil else { return }
            Self.add(probe.clock, to: &state.gone, .push, until: moment)
        }
    }

    // MARK: Report

    /// Since the process began, one for each path that there is something of.
    public func usage(until moment: Double) -> [ComparisonReport.RadioUsage] {
        let sums = state.withLock { state in
            leave(&state, now: moment)
            var sums = state.gone
            for client in state.pollers.values { Self.add(client.clock, to: &sums, client.path, until: moment) }
            for probe in state.connections.values { Self.add(probe.clock, to: &sums, .push, until: moment) }
            return sums
        }
        return Ledger.Path.allCases.compactMap { sums[$0] }
    }

    private static func add(
        _ clock: RadioClock, to sums: inout [Ledger.Path: ComparisonReport.RadioUsage], _ path: Ledger.Path,
        until moment: Double
    ) { sums[path, default: ComparisonReport.RadioUsage(path: path)].add(clock, until: moment) }
}

/// One connection that is looked at.
public final class RadioProbe: Sendable {
    private let state: Locked<RadioClock>

    fileprivate init(at moment: Double) {
        var clock = RadioClock()
        clock.transfer(at: moment)
        state = Locked(clock)
    }

    /// Something was sent or received.
    public func transfer(at moment: Double) { state.withLock { $0.transfer(at: moment) } }

    fileprivate var clock: RadioClock { state.withLock { $0 } }
}
