#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// How many files and sockets this process may have open.
public enum DescriptorLimit {
    /// The soft limit; 1024 when the system does not say.
    public static var current: Int {
        guard let limit = read() else { return 1024 }
        return Int(clamping: min(limit.rlim_cur, 1 << 20))
    }

    /// Each client is a descriptor, and most systems start a process far below what they allow it: goes up to that, the hard limit.
    ///
    /// - Returns: ``current`` after it.
    @discardableResult
    public static func raise() -> Int {
        if var limit = read() {
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
        }
        return current
    }

    private static func read() -> rlimit? {
        var limit = rlimit()
        return getrlimit(resource, &limit) == 0 ? limit : nil
    }

    #if canImport(Glibc)
    private static var resource: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_NOFILE.rawValue) }
    #else
    private static var resource: Int32 { Int32(RLIMIT_NOFILE) }
    #endif
}
