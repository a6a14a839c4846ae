import DoorbellCore
import DoorbellServer

/// What capture's thread spends. That thread notes it itself, because only a thread can read its own clock.
final class CaptureClock: Sendable {
    private let state = Locked((last: Double?.none, spent: 0.0))

    /// On capture's thread, every now and then.
    func note() {
        let now = ProcessorClock.thread
        state.withLock { state in
            // A clock that goes back is another thread's: capture was started anew.
            if let last = state.last, now > last { state.spent += now - last }
            state.last = now
        }
    }

    /// Seconds since the call before.
    func take() -> Double {
        state.withLock { state in
            defer { state.spent = 0 }
            return state.spent
        }
    }
}
