#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// How many files and sockets this process may have open.
enum DescriptorLimit {
    /// The soft limit; 1024 when the system does not say.
    static var current: Int {
        var limit = rlimit()
        #if canImport(Darwin)
        let resource = RLIMIT_NOFILE
        #else
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #endif
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        return Int(clamping: min(limit.rlim_cur, 1 << 20))
    }
}
