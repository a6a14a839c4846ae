import Foundation

/// Time on the machine's monotonic clock, in nanoseconds: the same for all threads and processes.
public enum Moment {
    public static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Blocks the thread until `moment`; returns at once when it is over.
    public static func wait(until moment: UInt64) {
        let now = Self.now
        guard moment > now else { return }
        var rest = timespec(tv_sec: Int((moment - now) / 1_000_000_000), tv_nsec: Int((moment - now) % 1_000_000_000))
        var left = timespec()
        while nanosleep(&rest, &left) == -1 && errno == EINTR { rest = left }
    }

    public static func seconds(since start: UInt64) -> Double { Double(now - start) / 1e9 }
}
