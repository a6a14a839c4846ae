#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A value that many threads use, one at a time.
///
/// `Synchronization.Mutex` would do the same, but the slow path of its lock lives in a library that ThreadSanitizer does not see
/// into, so every contended lock looks like a race to it. A POSIX mutex is known to it.
///
/// Not recursive: calling ``withLock(_:)`` from within `body` blocks for ever.
public final class Locked<Value>: @unchecked Sendable {
    // `value` is only ever touched between lock and unlock of `mutex`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    public init(_ value: sending Value) {
        self.value = value
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` while no other thread runs one. Keep it short: others wait.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
