import Dispatch
import Foundation
import Synchronization

/// Ctrl-C ends what the bench started: the cluster goes with `exit`, children when their standard input closes.
enum EndOfProcess {
    private static let sources = Mutex<[any DispatchSourceSignal]>([])

    static func handleInterrupts() {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { exit(128 + number) }
            source.resume()
            sources.withLock { $0.append(source) }
        }
    }
}
