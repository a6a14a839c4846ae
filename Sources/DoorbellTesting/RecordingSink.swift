public import DoorbellCore
import Foundation

/// Keeps everything that capture delivers, and lets a test wait for it.
public final class RecordingSink: ChangeSink {
    public enum Event: Sendable {
        case opened(floor: Position, replayingTo: Position?)
        case batch(ChangeBatch)
        case status(CaptureStatus)
    }

    private struct State: Sendable {
        var events: [Event] = []
        var changes: [Change] = []
        var messages: [LoggedMessage] = []
        var unreadable: [UnreadableChange] = []
        var status = CaptureStatus.starting
        var resolve: ChannelQuery?
        var resolved: [Result<[String], ResolveFailure>] = []
    }

    public struct ResolveFailure: Error, Sendable { public let message: String }

    private let state = Locked(State())
    private let pause: @Sendable (ChangeBatch) -> Void

    /// - Parameter pause: Called with each batch before it is recorded, on capture's thread: to be slow on purpose.
    public init(pause: @escaping @Sendable (ChangeBatch) -> Void = { _ in }) { self.pause = pause }

    public var events: [Event] { state.withLock { $0.events } }
    public var changes: [Change] { state.withLock { $0.changes } }
    public var messages: [LoggedMessage] { state.withLock { $0.messages } }
    public var unreadable: [UnreadableChange] { state.withLock { $0.unreadable } }
    public var status: CaptureStatus { state.withLock { $0.status } }
    /// What ``resolve(with:)`` asked for, one for each change since.
    public var resolved: [Result<[String], ResolveFailure>] { state.withLock { $0.resolved } }

    /// From now on runs `query` with the new row of each change.
    public func resolve(with query: ChannelQuery) { state.withLock { $0.resolve = query } }

    public func logOpened(floor: Position, replayingTo: Position?) {
        state.withLock { $0.events.append(.opened(floor: floor, replayingTo: replayingTo)) }
    }

    public func deliver(_ batch: ChangeBatch, queries: any ChannelQueryRunner) {
        pause(batch)
        if let query = state.withLock({ $0.resolve }) {
            for change in batch.changes {
                let values = query.columns.map { change.after?.text(of: $0) ?? nil }
                let result: Result<[String], ResolveFailure>
                do {
                    result = .success(try queries.channels(for: query, values: values))
                } catch {
                    result = .failure(ResolveFailure(message: "\(error)"))
                }
                state.withLock { $0.resolved.append(result) }
            }
        }
        state.withLock {
            $0.events.append(.batch(batch))
            $0.changes += batch.changes
            $0.messages += batch.messages
            $0.unreadable += batch.unreadable
        }
    }

    public func captureChanged(to status: CaptureStatus) {
        state.withLock {
            $0.events.append(.status(status))
            $0.status = status
        }
    }

    public struct TimedOut: Error, CustomStringConvertible { public let description: String }

    /// Returns once `condition` holds; asks every few milliseconds.
    public func wait(
        for what: String, within seconds: Double = 120, _ condition: (RecordingSink) throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try !condition(self) {
            guard ContinuousClock.now < deadline else {
                throw TimedOut(description: "no \(what) within \(seconds) s; \(changes.count) changes, \(status)")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
