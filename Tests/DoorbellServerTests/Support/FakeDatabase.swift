import DoorbellCore
import DoorbellServer
import NIOCore

/// Keeps what clients say in memory, and fails on demand.
final class FakeDatabase: PublishGateway, CursorStore {
    private struct State {
        var published: [(message: DirectMessage, channel: ChannelName)] = []
        var cursors: [CursorKey: Position] = [:]
        var failure: WriteFailure?
    }

    private let state = Locked(State())

    var published: [(message: DirectMessage, channel: ChannelName)] { state.withLock { $0.published } }
    var cursors: [CursorKey: Position] { state.withLock { $0.cursors } }

    func fail(_ failure: WriteFailure?) { state.withLock { $0.failure = failure } }

    func publish(_ message: DirectMessage, on channel: ChannelName, loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        let failure = state.withLock { state in
            if state.failure == nil { state.published.append((message, channel)) }
            return state.failure
        }
        if let failure { promise.fail(failure) } else { promise.succeed() }
        return promise.futureResult
    }

    func open(_ key: CursorKey, at start: Position, loop: any EventLoop) -> EventLoopFuture<OpenedCursor> {
        let promise = loop.makePromise(of: OpenedCursor.self)
        let result: Result<OpenedCursor, any Error> = state.withLock { state in
            if let failure = state.failure { return .failure(failure) }
            if let known = state.cursors[key] { return .success(OpenedCursor(position: known, isNew: false)) }
            state.cursors[key] = start
            return .success(OpenedCursor(position: start, isNew: true))
        }
        promise.completeWith(result)
        return promise.futureResult
    }

    func acknowledge(_ key: CursorKey, _ position: Position) {
        state.withLock { $0.cursors[key] = max($0.cursors[key] ?? position, position) }
    }
}
