import Doorbell
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellServer
import Foundation
import Logging
import NIOCore
import NIOPosix

/// The child's side of ``FanOutServer`` for Doorbell itself: the real hub and server on one event loop, with drafts from a
/// thread in the place of capture. Prints its port, then obeys `one COUNT RATE [PADDING]` and `many COUNT RATE CHANNELS`, and
/// ends when standard input does.
enum FanOutServeMode {
    /// With it a message has some 200 bytes, as the other servers' have.
    private static let padding = 14

    /// - Parameter counts: With the ledger, as the service has it, but that nothing is written to a database.
    static func run(counts: Bool) async throws {
        _ = PrometheusRegistry.bootstrap()
        DescriptorLimit.raise()
        let features = try FanOutPublisher.Features()
        let clock = LoopClock()
        let group =
            counts
            ? MultiThreadedEventLoopGroup(numberOfThreads: 1, metricsDelegate: clock)
            : MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let ledger = LedgerRecorder(features: [features.all.name, features.each.name], now: now)
        let hub = Hub(now: now)
        var configuration = ServerConfiguration(port: 0)
        configuration.backlog = 16384
        configuration.maximumConnections = 19_900
        // Nothing is passed through here, so no descriptors are kept for it.
        configuration.maximumTunnels = 0
        let server = Server(
            configuration: configuration, features: FeatureCatalog([features.all, features.each]), hub: hub,
            gateway: FanOutGateway(), group: group, observer: counts ? LedgerObserver(ledger: ledger) : nil,
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() },
            now: now)
        hub.open(floor: Position(epoch: FanOutPublisher.epoch, tick: 1, seq: 0))
        server.captureChanged(to: .live(leader: true))
        try await server.start()
        let sweep = group.next().scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            hub.sweep()
            // Ten times as often as the service does.
            if counts { ledger.closeInterval(spent: clock.take().paths) }
        }
        say("\(server.boundPort ?? 0)")
        let publisher = try FanOutPublisher(hub: hub, features: features)
        await withCheckedContinuation { ended in
            Thread.detachNewThread {
                obey(publisher)
                ended.resume()
            }
        }
        sweep.cancel()
        await server.stop(within: .zero)
        try await group.shutdownGracefully()
    }

    /// The publishing thread: one command after the other, until there are no more.
    private static func obey(_ publisher: FanOutPublisher) {
        var publisher = publisher
        while let line = readLine() {
            let words = line.split(separator: " ")
            let numbers = words.dropFirst().compactMap { Double($0) }
            switch (words.first, numbers.count) {
            case ("one", 2...):
                publisher.publish(
                    Int(numbers[0]), rate: numbers[1], size: numbers.count > 2 ? Int(numbers[2]) : padding)
            case ("many", 3): publisher.publishPrivately(Int(numbers[0]), rate: numbers[1], channels: Int(numbers[2]))
            default: break
            }
            say("done")
        }
    }

    private static func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

    @Sendable static func now() -> Timestamp {
        WallClock.now
    }
}
