import CoreMetrics
import DoorbellCore
import Logging
import NIOCore

/// Keeping keys fresh.
extension TokenVerifier {
    /// Loads keys when it is time, and when a token with an unknown key was met, until the task is cancelled. To be called once.
    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    self.tick(now: self.now())
                    try? await Task.sleep(for: .seconds(1))
                }
                self.wishes.continuation.finish()
            }
            for await _ in wishes.stream { await load(now: now()) }
            group.cancelAll()
        }
        // Nobody loads any more.
        wake()
    }

    /// One second has passed.
    func tick(now: Timestamp) {
        let starts = state.withLock { state in
            state.cache.prune(now: now)
            return state.plan.tick(now: now)
        }
        if starts { wishes.continuation.yield() }
    }

    /// Loads keys now, after ``KeyRefreshPlan`` has said so. The old ones stay when that fails.
    func load(now: Timestamp) async {
        let stamp = state.withLock { $0.stamp }
        do throws(KeyError) {
            let loaded = try await loader.load(knowing: stamp)
            take(loaded, now: self.now())
        } catch {
            metrics.keysFailed.increment()
            let (isNews, keeps) = state.withLock { state in
                state.plan.failed(now: self.now())
                defer { state.trouble = error }
                return (state.trouble != error, state.keys != nil)
            }
            if isNews {
                logger.warning(
                    "keys for tokens could not be loaded",
                    metadata: ["reason": "\(error)", "keeps": keeps ? "the last good ones" : "none"])
            }
        }
        wake()
    }

    /// Reads files again now, whether or not it is time: for SIGHUP.
    public func reload() async {
        let starts = state.withLock { state in
            state.stamp = nil
            return state.plan.asked(now: now())
        }
        if starts { await load(now: now()) }
    }

    private func take(_ loaded: KeyLoader.Loaded, now: Timestamp) {
        switch loaded {
        case .unchanged:
            state.withLock { state in
                state.plan.loaded(age: nil, now: now)
                state.trouble = nil
            }
        case .keys(let keys, let stamp, let age):
            let recovered = state.withLock { state in
                state.keys = keys
                state.stamp = stamp
                state.cache.removeAll()
                state.plan.loaded(age: age, now: now)
                defer { state.trouble = nil }
                return state.trouble != nil
            }
            metrics.keysLoaded.increment()
            metrics.keys.set(keys.keys.count)
            logger.log(
                level: recovered ? .notice : .debug, "keys for tokens loaded",
                metadata: ["keys": "\(keys.keys.count)", "skipped": "\(keys.skipped)"])
        }
    }

    private func wake() {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        for promise in waiting { promise.succeed() }
    }
}
