import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Ends a `poll()` from another thread. One way: once stopped it stays stopped, and its descriptor stays readable.
final class WakePipe: Sendable {
    /// For `poll()`; -1 when the pipe could not be made (no descriptors left): waits then end only by their deadlines.
    let readEnd: Int32
    private let writeEnd: Int32
    private let stopped = Atomic<Bool>(false)

    init() {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) == 0 {
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        self.readEnd = ends[0]
        self.writeEnd = ends[1]
    }

    deinit {
        if readEnd >= 0 { close(readEnd) }
        if writeEnd >= 0 { close(writeEnd) }
    }

    var isStopped: Bool { stopped.load(ordering: .acquiring) }

    func stop() {
        guard !stopped.exchange(true, ordering: .acquiringAndReleasing), writeEnd >= 0 else { return }
        var byte: UInt8 = 1
        _ = write(writeEnd, &byte, 1)
    }

    /// Sleeps for `duration`, to the millisecond above. - Throws: `.stopped`.
    func wait(for duration: Duration) throws(PGError) {
        let deadline = ContinuousClock.now + duration
        while !isStopped {
            let left = deadline - ContinuousClock.now
            guard left > .zero else { return }
            var watched = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            _ = poll(&watched, 1, Int32(clamping: milliseconds + 1))
        }
        throw .stopped
    }
}
