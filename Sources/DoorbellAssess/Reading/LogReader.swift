internal import DoorbellCore

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Reads and parses several logs on several threads and hands their blocks over, each log's in order.
///
/// A worker takes the open log that has the fewest blocks waiting, fills a block from it (one worker at a time), and parses it while others
/// read on. At most ``waiting`` blocks of a log wait to be counted; then nobody reads it on. So memory is bounded by the logs that are open
/// at a time (``limit``), however many there are.
final class LogReader: @unchecked Sendable {
    /// Blocks of one log that may be filled, being parsed or waiting.
    private static let waiting = 3
    /// Logs that are read side by side. More that overlap in time wait for one of them to end.
    static let limit = 32
    private static let blockSize = 512 << 10

    // Everything below is only touched between lock and unlock of `mutex`, but for a lane's source, which belongs to the worker that has set
    // `isReading`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private var lanes: [Int: Lane] = [:]
    private var isStopped = false
    private var threads: [pthread_t] = []
    private var free: [LogBlock] = []

    private final class Lane {
        let source: LogSource
        let format: LogFormat
        var isReading = false
        var isAtEnd = false
        /// Of the next block to be filled, and of the next to be handed over.
        var filled = 0
        var taken = 0
        var done: [Int: LogBlock] = [:]

        init(_ source: LogSource, _ format: LogFormat) {
            self.source = source
            self.format = format
        }
    }

    init(workers: Int) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        changed = .allocate(capacity: 1)
        changed.initialize(to: pthread_cond_t())
        pthread_cond_init(changed, nil)
        for _ in 0..<max(1, workers) {
            let argument = Unmanaged.passRetained(self).toOpaque()
            #if canImport(Darwin)
            var thread: pthread_t?
            pthread_create(
                &thread, nil,
                {
                    Unmanaged<LogReader>.fromOpaque($0).takeRetainedValue().work(); return nil
                }, argument)
            if let thread { threads.append(thread) }
            #else
            var thread = pthread_t()
            let result = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    Unmanaged<LogReader>.fromOpaque(argument).takeRetainedValue().work()
                    return nil
                }, argument)
            if result == 0 { threads.append(thread) }
            #endif
        }
    }

    deinit {
        pthread_cond_destroy(changed)
        changed.deallocate()
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Ends the workers; blocks that wait are lost.
    func stop() {
        locked {
            isStopped = true
            pthread_cond_broadcast(changed)
        }
        for thread in threads { pthread_join(thread, nil) }
        threads.removeAll()
    }

    /// Begins to read a log. `id` names it from now on.
    func open(_ source: LogSource, format: LogFormat, id: Int) {
        locked {
            lanes[id] = Lane(source, format)
            pthread_cond_broadcast(changed)
        }
    }

    /// The next block of a log, waiting for it; `nil` at its end.
    func next(of id: Int) -> LogBlock? {
        locked {
            while let lane = lanes[id] {
                if let block = lane.done.removeValue(forKey: lane.taken) {
                    lane.taken += 1
                    pthread_cond_broadcast(changed)
                    return block
                }
                if lane.isAtEnd, lane.taken == lane.filled {
                    lanes[id] = nil
                    return nil
                }
                pthread_cond_wait(changed, mutex)
            }
            return nil
        }
    }

    /// Gives a block back that has been counted.
    func recycle(_ block: LogBlock) {
        locked { if free.count < 8 { free.append(block) } }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return body()
    }

    /// A worker's whole life.
    private func work() {
        var parsers: [ObjectIdentifier: LineParser] = [:]
        while let (lane, block, turn) = takeTurn() {
            let isFilled = lane.source.fill(block)
            locked {
                lane.isReading = false
                if isFilled { lane.filled = turn + 1 } else { lane.isAtEnd = true }
                if !isFilled { free.append(block) }
                pthread_cond_broadcast(changed)
            }
            guard isFilled else {
                parsers[ObjectIdentifier(lane)] = nil
                continue
            }
            var parser = parsers.removeValue(forKey: ObjectIdentifier(lane)) ?? LineParser(lane.format)
            block.parse(with: &parser)
            if parsers.count > Self.limit { parsers.removeAll() }
            parsers[ObjectIdentifier(lane)] = parser
            locked {
                lane.done[turn] = block
                pthread_cond_broadcast(changed)
            }
        }
    }

    /// Waits for a log that may be read on. `nil` when it is over.
    private func takeTurn() -> (Lane, LogBlock, Int)? {
        locked {
            while !isStopped {
                let ready = lanes.values.filter { !$0.isReading && !$0.isAtEnd && $0.filled - $0.taken < Self.waiting }
                if let lane = ready.min(by: { $0.filled - $0.taken < $1.filled - $1.taken }) {
                    lane.isReading = true
                    return (lane, free.popLast() ?? LogBlock(capacity: Self.blockSize), lane.filled)
                }
                pthread_cond_wait(changed, mutex)
            }
            return nil
        }
    }
}
