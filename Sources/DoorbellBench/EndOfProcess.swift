import Dispatch
import Foundation

/// Ctrl-C ends what the bench started: the cluster goes with `exit`, children when their standard input closes.
enum EndOfProcess {
    /// Kept for as long as the process lives.
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []

    /// Call once, from the main thread.
    static func handleInterrupts() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { exit(128 + number) }
            source.resume()
            sources.append(source)
        }
    }
}
