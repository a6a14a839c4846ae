import DoorbellCapture
import DoorbellCore
import DoorbellServer
import NIOCore

/// What clients say, into the database: ``DatabaseWriter`` as the server's event loops see it.
struct DatabaseGateway: PublishGateway, CursorStore {
    let writer: DatabaseWriter

    func publish(_ message: DirectMessage, on channel: ChannelName, loop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = loop.makePromise(of: Void.self)
        writer.publish(message, on: channel) { failure in
            if let failure { promise.fail(failure) } else { promise.succeed() }
        }
        return promise.futureResult
    }

    func open(_ key: CursorKey, at start: Position, loop: any EventLoop) -> EventLoopFuture<OpenedCursor> {
        let promise = loop.makePromise(of: OpenedCursor.self)
        writer.openCursor(key, at: start) { promise.completeWith($0.mapError { $0 as any Error }) }
        return promise.futureResult
    }

    func acknowledge(_ key: CursorKey, _ position: Position) { writer.acknowledge(key, position) }
}
