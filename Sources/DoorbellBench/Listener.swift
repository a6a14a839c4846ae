import CLibPQ
import DoorbellCore
import Foundation
import Synchronization

/// A client of the usual way: one connection that listens, on a thread of its own.
final class Listener: Sendable {
    private let stopped = Atomic<Bool>(false)
    private let received = Atomic<Int>(0)
    private let done = DispatchSemaphore(value: 0)

    /// Notifications until now.
    var count: Int { received.load(ordering: .relaxed) }

    /// Returns when it listens.
    ///
    /// - Parameter onPayload: Called on the listener's thread; the bytes are valid only during the call.
    init(
        _ conninfo: String, channel: String = "items",
        onPayload: @escaping @Sendable (UnsafeRawBufferPointer) -> Void = { _ in }
    ) throws {
        let ready = DispatchSemaphore(value: 0)
        let works = Locked(false)
        Thread.detachNewThread { [self] in
            defer { done.signal() }
            let handle = PQconnectdb(conninfo)
            defer { PQfinish(handle) }
            let result = PQexec(handle, "listen \(channel)")
            let listens = PQresultStatus(result) == PGRES_COMMAND_OK
            PQclear(result)
            works.withLock { $0 = listens }
            ready.signal()
            guard let handle, listens else { return }
            listen(handle, onPayload)
        }
        ready.wait()
        guard works.withLock({ $0 }) else { throw BenchFailure("the listener cannot listen") }
    }

    private func listen(_ handle: OpaquePointer, _ onPayload: (UnsafeRawBufferPointer) -> Void) {
        while !stopped.load(ordering: .relaxed) {
            var watched = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 100) > 0 else { continue }
            guard PQconsumeInput(handle) == 1 else { return }
            while let notification = PQnotifies(handle) {
                if let payload = notification.pointee.extra {
                    onPayload(UnsafeRawBufferPointer(start: payload, count: strlen(payload)))
                }
                received.add(1, ordering: .relaxed)
                PQfreemem(notification)
            }
        }
    }

    /// Ends the connection and waits for its thread.
    func stop() {
        stopped.store(true, ordering: .relaxed)
        done.wait()
    }
}
