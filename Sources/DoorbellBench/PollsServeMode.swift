import ArgumentParser
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
    /// What the service does with polls besides answering them.
    enum Extra: String, ExpressibleByArgument {
        case nothing
        /// Passes them on instead of answering them from memory.
        case passing
        /// Passes them on and compares them with what was pushed.
        case parity
    }

    /// - Parameters:
    ///   - stub: The legacy API's port.
    ///   - accessLog: A file; `nil`: requests are not logged.
    static func run(stub: Int, with extra: Extra, accessLog: String?) async throws {
        _ = PrometheusRegistry.bootstrap()
        let feature = Feature(
            name: "items", poll: try PollPattern("GET /api/items/{id}"), tables: [],
            channel: try ChannelTemplate("items:{id}"), stage: .push,
            cache: extra == .nothing ? Feature.Caching(maxAge: .seconds(3600)) : nil)
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        var listening = ServerConfiguration(port: 0)
        if let accessLog { listening.accessLog = try AccessLog(path: accessLog, logger: logger) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let hub = Hub(now: FanOutServeMode.now)
        let catalog = FeatureCatalog([feature])
        let parity = ParityRecorder(features: [feature], hub: hub, now: FanOutServeMode.now) { _ in extra == .parity }
        let upstream = try HTTPUpstream(
            configuration: UpstreamConfiguration(url: "http://127.0.0.1:\(stub)"), features: catalog, hub: hub,
            ledger: LedgerRecorder(features: ["items"], now: FanOutServeMode.now), parity: parity, group: group,
            now: FanOutServeMode.now)
        let server = Server(
            configuration: listening, features: catalog, hub: hub, gateway: upstream, group: group, logger: logger,
            now: FanOutServeMode.now)
        hub.open(floor: Position(epoch: 1, tick: 1, seq: 0))
        server.captureChanged(to: .live(leader: true))
        upstream.captureChanged(to: .live(leader: true))
        parity.captureChanged(to: .live(leader: true))
        // As the service does.
        let comparing = Task { await parity.run() }
        let looking = Task {
            while (try? await Task.sleep(for: .seconds(1))) != nil { parity.look() }
        }
        // As capture does while it sleeps and nobody rings.
        let covering = group.next().scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { _ in
            upstream.covered(before: .now)
            parity.covered(before: .now)
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
        for task in [comparing, looking] {
            task.cancel()
            await task.value
        }
        await server.stop(within: .zero)
        listening.accessLog?.close()
        try await upstream.shutdown()
        try await group.shutdownGracefully()
    }
}
