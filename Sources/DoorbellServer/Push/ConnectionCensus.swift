import NIOCore

/// Looks at all connections of one event loop for those with the most bytes waiting, a portion at a time, so that the loop stands still for
/// nobody. Lives on the loop.
final class ConnectionCensus {
    /// Connections that are looked at before others have a turn on the loop.
    private static let portion = 256

    private var left: ArraySlice<PushStream>
    private var biggest: BiggestConnections
    private let promise: EventLoopPromise<[ConnectionInfo]>

    private init(_ streams: [PushStream], limit: Int, promise: EventLoopPromise<[ConnectionInfo]>) {
        self.left = streams[...]
        self.biggest = BiggestConnections(limit: limit)
        self.promise = promise
    }

    static func take(
        of streams: [PushStream], limit: Int, on loop: any EventLoop
    ) -> EventLoopFuture<[ConnectionInfo]> {
        let promise = loop.makePromise(of: [ConnectionInfo].self)
        ConnectionCensus(streams, limit: limit, promise: promise).step()
        return promise.futureResult
    }

    private func step() {
        for stream in left.prefix(Self.portion) where biggest.wants(bytes: stream.bufferedBytes) {
            if let info = stream.info { biggest.add(info) }
        }
        left = left.dropFirst(Self.portion)
        guard !left.isEmpty else { return promise.succeed(biggest.inOrder) }
        let bound = NIOLoopBound(self, eventLoop: promise.futureResult.eventLoop)
        promise.futureResult.eventLoop.execute { bound.value.step() }
    }
}

@available(*, unavailable)
extension ConnectionCensus: Sendable {}
