import DoorbellCore
public import DoorbellRollout
import NIOCore
public import NIOPosix

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What event loops spend their processor time on: turns of a loop, from waiting to waiting, are shared out among what was noted in them
/// (``TickShares``). Give it to the event loop group; without it nothing is measured and noting costs nothing.
public final class LoopClock: NIOEventLoopMetricsDelegate {
    private let loops = Locked<[LoopWork]>([])

    public init() {}

    /// On the loop, after each of its turns.
    public func processedTick(info: NIOEventLoopTickInfo) {
        if let work = LoopWork.current { return work.turned(at: info.startTime) }
        let work = LoopWork.begin()
        loops.withLock { $0.append(work) }
    }

    /// Seconds that all loops have spent on each path since the call before; `other`: on nothing that is one of them.
    public func take() -> (paths: [Ledger.Path: Double], other: Double) {
        let sum = loops.withLock { $0.reduce(SIMD8<Double>()) { $0 + $1.take() } }
        return (
            Dictionary(uniqueKeysWithValues: Ledger.Path.allCases.map { ($0, sum[TickShares.index(of: $0)]) }),
            sum[TickShares.index(of: nil)]
        )
    }

    /// Something was done for `path` in this turn of the loop. On a thread that is no loop's it is ignored.
    public static func note(_ path: Ledger.Path?, units: Int = 1) { LoopWork.current?.note(path, units: units) }
}

/// Of one event loop. Made and used on its thread, but for ``take()``.
final class LoopWork: @unchecked Sendable {
    // `spent` is behind its lock; everything else is the loop's own.
    private var units = SIMD8<Double>()
    private var shares = TickShares()
    private var sampling = TurnSampling()
    /// What the thread had spent when its clock was last read.
    private var last: Double
    /// ``units`` when the turn began.
    private var before = SIMD8<Double>()
    /// Of the servers on the loop, with what was seen of each.
    private var tallies: [(tally: DeliveryTally, seen: Int)] = []
    private let spent = Locked(SIMD8<Double>())

    private init() { last = ProcessorClock.thread }

    /// A key without a destructor: the clock keeps what it leads to.
    private static let key: pthread_key_t? = {
        var key = pthread_key_t()
        return pthread_key_create(&key, nil) == 0 ? key : nil
    }()

    static var current: LoopWork? {
        guard let key, let pointer = pthread_getspecific(key) else { return nil }
        return Unmanaged<LoopWork>.fromOpaque(pointer).takeUnretainedValue()
    }

    static func begin() -> LoopWork {
        let work = LoopWork()
        // Retained for as long as the process lives: loops do, and there are as many as processors.
        if let key { pthread_setspecific(key, Unmanaged.passRetained(work).toOpaque()) }
        return work
    }

    func note(_ path: Ledger.Path?, units count: Int) { units[TickShares.index(of: path)] += Double(count) }

    /// Each client that is told a message is a unit of push. Looked at once a turn, so that telling costs no more for it.
    func follow(_ tally: DeliveryTally) { tallies.append((tally, tally.total)) }

    /// - Parameter moment: When the turn began.
    func turned(at moment: NIODeadline) {
        for index in tallies.indices {
            let total = tallies[index].tally.total
            if total != tallies[index].seen { note(.push, units: total &- tallies[index].seen) }
            tallies[index].seen = total
        }
        if units == before { note(nil, units: 1) }
        before = units
        guard sampling.isDue(at: moment.uptimeNanoseconds) else { return }
        let now = ProcessorClock.thread
        let shared = shares.share(now - last, units: units)
        last = now
        units = SIMD8()
        before = units
        spent.withLock { $0 += shared }
    }

    func take() -> SIMD8<Double> {
        spent.withLock { spent in
            defer { spent = SIMD8() }
            return spent
        }
    }
}
