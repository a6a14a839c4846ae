import DoorbellCore
import DoorbellServer
import Synchronization

/// Shows people what changes and who is told at this moment: `/tail` on the admin port.
///
/// Bounded: so many viewers, so many lines a second for each (``TailViewer``), so many that wait for a slow one. What is dropped is
/// counted, and the viewer is told. While nobody watches it costs one atomic load.
final class TailBoard: Sendable {
    static let maximumViewers = 8
    /// Lines that wait for one viewer.
    static let waiting = 256
    /// Between two signs of life, in seconds: by the next one it is noticed that a viewer is gone.
    static let heartbeat = 5

    private struct Entry {
        var viewer: TailViewer
        let lines: AsyncStream<String>.Continuation
    }

    private struct State {
        var entries: [Int: Entry] = [:]
        var last = 0
        var ticks = 0
        var isClosed = false
    }

    private let state = Locked(State())
    private let isWatched = Atomic<Bool>(false)

    /// Lines as server-sent events, until nobody reads them or the service ends; `nil`: there are as many viewers as may be.
    func watch(_ viewer: TailViewer) -> AsyncStream<String>? {
        let (stream, lines) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(Self.waiting))
        let number: Int? = state.withLock { state in
            guard !state.isClosed, state.entries.count < Self.maximumViewers else { return nil }
            state.last += 1
            state.entries[state.last] = Entry(viewer: viewer, lines: lines)
            isWatched.store(true, ordering: .relaxed)
            return state.last
        }
        guard let number else { return nil }
        lines.onTermination = { [weak self] _ in self?.leave(number) }
        lines.yield(": watching\n\n")
        return stream
    }

    var viewers: Int { state.withLock { $0.entries.count } }

    private func leave(_ number: Int) {
        state.withLock { state in
            state.entries[number] = nil
            if state.entries.isEmpty { isWatched.store(false, ordering: .relaxed) }
        }
    }

    // MARK: What is shown

    func captured(_ drafts: [Draft]) {
        guard isWatched.load(ordering: .relaxed) else { return }
        let now = SystemClock.now()
        for draft in drafts {
            show(draft.feature.name, draft.audience.text, now) { TailLine(draft, now: now, withContent: $0) }
        }
    }

    func told(_ delivery: PushDelivery) {
        guard isWatched.load(ordering: .relaxed), let first = delivery.publications.first else { return }
        let bytes = delivery.bytes / delivery.publications.count
        for publication in delivery.publications {
            show(first.feature.name, first.channel.rawValue, delivery.at) { _ in
                TailLine(publication, clients: delivery.subscribers, bytes: bytes, at: delivery.at)
            }
        }
    }

    private func show(_ feature: String, _ channel: String, _ now: Timestamp, _ line: (Bool) -> TailLine) {
        // The continuations are called outside of the lock, because they may call back.
        let wanted: [(number: Int, withContent: Bool, lines: AsyncStream<String>.Continuation)] = state.withLock {
            state in
            state.entries.keys.compactMap { number in
                guard var entry = state.entries[number], entry.viewer.wants(feature: feature, channel: channel) else {
                    return nil
                }
                let isAdmitted = entry.viewer.admits(now: now)
                state.entries[number] = entry
                return isAdmitted ? (number, entry.viewer.withContent, entry.lines) : nil
            }
        }
        for (number, withContent, lines) in wanted {
            if case .dropped = lines.yield(line(withContent).event) {
                state.withLock { $0.entries[number]?.viewer.lost() }
            }
        }
    }

    /// To be called once a second: tells viewers what they missed, and that the stream is alive.
    @Sendable func tick() {
        let (entries, isBeat) = state.withLock { state in
            state.ticks += 1
            return (state.entries, state.ticks % Self.heartbeat == 0)
        }
        for (number, entry) in entries {
            if let dropped = entry.viewer.news {
                guard case .enqueued = entry.lines.yield("event: dropped\ndata: {\"dropped\":\(dropped)}\n\n") else {
                    continue
                }
                state.withLock { $0.entries[number]?.viewer.report(dropped) }
            } else if isBeat {
                entry.lines.yield(":\n\n")
            }
        }
    }

    /// Ends every stream, and lets nobody in any more.
    func close() {
        let entries = state.withLock { state in
            state.isClosed = true
            return state.entries
        }
        for entry in entries.values { entry.lines.finish() }
    }
}
