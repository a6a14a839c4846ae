#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Time on the processor, user and system, in seconds.
public enum ProcessorClock {
    /// Of this process until now, all threads.
    public static var process: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// Of the thread that asks, until now.
    public static var thread: Double { read(CLOCK_THREAD_CPUTIME_ID) }

    /// Of children that have ended and were waited for.
    public static var children: Double {
        var usage = rusage()
        // RUSAGE_CHILDREN, whose type is another than the parameter's with Glibc.
        getrusage(-1, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
