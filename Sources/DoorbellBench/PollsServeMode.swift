import Doorbell
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import DoorbellShim
import Foundation
import Logging
import NIOCore
import NIOPosix

/// The child's side of ``Polls`` for Doorbell itself: the real server and shim on one event loop, with a change log in which nothing
/// happens. Prints its port, and ends when standard input does.
enum PollsServeMode {
    /// - Parameter stub: The legacy API's port.
    static func run(stub: Int) async throws {
        _ = PrometheusRegistry.bootstrap()
        let feature = Feature(
            name: "items", poll: try PollPattern("GET /api/items/{id}"), tables: [],
            channel: try ChannelTemplate("items:{id}"), stage: .push, cache: Feature.Caching(maxAge: .seconds(3600)))
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hub = Hub(now: FanOutServeMode.now)
        let catalog = FeatureCatalog([feature])
        let upstream = try HTTPUpstream(
            configuration: UpstreamConfiguration(url: "http://127.0.0.1:\(stub)"), features: catalog, hub: hub,
            ledger: LedgerRecorder(features: ["items"]), group: group, now: FanOutServeMode.now)
        let server = Server(
            configuration: ServerConfiguration(port: 0), features: catalog, hub: hub, gateway: upstream, group: group,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }, now: FanOutServeMode.now)
        hub.open(floor: Position(epoch: 1, tick: 1, seq: 0))
        server.captureChanged(to: .live(leader: true))
        upstream.captureChanged(to: .live(leader: true))
        // As capture does while it sleeps and nobody rings.
        let covering = group.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { _ in
            upstream.covered(before: .now)
        }
        try await server.start()
        FileHandle.standardOutput.write(Data("\(server.boundPort ?? 0)\n".utf8))
        await withCheckedContinuation { ended in
            Thread.detachNewThread {
                while readLine() != nil {}
                ended.resume()
            }
        }
        let uncovered = group.next().makePromise(of: Void.self)
        covering.cancel(promise: uncovered)
        try? await uncovered.futureResult.get()
        await server.stop(within: .zero)
        try await upstream.shutdown()
        try await group.shutdownGracefully()
    }
}
