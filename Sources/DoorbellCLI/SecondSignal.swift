import Foundation
import UnixSignals

/// The first SIGTERM or SIGINT is the service's own, which may take its time to drain; whoever sends a second one has none.
enum SecondSignal {
    /// Waits until cancelled. At the second signal the process ends at once, as if the signal had killed it: 128 and its number.
    static func endsProcess() async {
        var isEnding = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            // Not `exit`: what runs at its end would race with everything that still runs.
            if isEnding { _exit(128 + signal.rawValue) }
            isEnding = true
        }
    }
}
