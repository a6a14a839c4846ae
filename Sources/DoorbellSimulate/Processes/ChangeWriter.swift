import CLibPQ
import DoorbellCore
import DoorbellTesting
import Foundation
import Synchronization

/// The application that writes: makes the planned changes at their moments, each in a transaction of its own, one after the
/// other on one connection.
final class ChangeWriter: Sendable {
    private static let update = """
        update notifications set revision = $1::bigint, is_read = not is_read, changed_at = clock_timestamp(),
            body = 'Order ' || $1::bigint || ' has left the warehouse and will be with you in two days'
        where user_id = $2 and slot = $3
        """
    /// The longest sleep, in nanoseconds: how long a stop may take.
    private static let nap: UInt64 = 50_000_000

    private let conninfo: String
    private let plan: ChangePlan
    private let isStopped = Atomic<Bool>(false)

    init(_ conninfo: String, _ plan: ChangePlan) {
        self.conninfo = conninfo
        self.plan = plan
    }

    /// Returns when all changes are made, or when `end` has come: what is not committed by then is left out.
    ///
    /// - Parameters:
    ///   - start: The changes' moments count from it.
    ///   - committed: Called on the writer's thread when a change is committed.
    /// - Throws: ``DoorbellError`` of ``DoorbellError/Code/database``; `CancellationError`.
    func write(
        from start: UInt64, until end: UInt64, committed: @escaping @Sendable (_ number: Int, _ moment: UInt64) -> Void
    ) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                Thread.detachNewThread {
                    continuation.resume(with: Result { try self.run(start, end, committed) })
                }
            }
            try Task.checkCancellation()
        } onCancel: {
            isStopped.store(true, ordering: .relaxed)
        }
    }

    private func run(_ start: UInt64, _ end: UInt64, _ committed: (Int, UInt64) -> Void) throws {
        guard let handle = PQconnectdb(conninfo) else { throw DoorbellError(.database, "out of memory") }
        defer { PQfinish(handle) }
        try Self.check(handle, PQprepare(handle, "update", Self.update, 3, nil))
        for (index, change) in plan.changes.enumerated() {
            let due = start + UInt64(change.moment * 1e9)
            while Moment.now < due, !isStopped.load(ordering: .relaxed) {
                Moment.wait(until: min(due, Moment.now + Self.nap))
            }
            if isStopped.load(ordering: .relaxed) || Moment.now >= end { return }
            try Self.make(change, number: index + 1, handle)
            committed(index + 1, Moment.now)
        }
    }

    private static func make(_ change: ChangePlan.Change, number: Int, _ handle: OpaquePointer) throws {
        try String(number).withCString { number in
            try String(change.user).withCString { user in
                try String(change.slot).withCString { slot in
                    var values: [UnsafePointer<CChar>?] = [number, user, slot]
                    try check(handle, PQexecPrepared(handle, "update", 3, &values, nil, nil, 0))
                }
            }
        }
    }

    private static func check(_ handle: OpaquePointer, _ result: OpaquePointer?) throws {
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_COMMAND_OK else {
            let text = String(cString: PQerrorMessage(handle)).trimmingCharacters(in: .whitespacesAndNewlines)
            throw DoorbellError(.database, "the simulated writer: \(text)")
        }
    }
}
