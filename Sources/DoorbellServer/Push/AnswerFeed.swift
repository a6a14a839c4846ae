import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellWire
import NIOCore

/// One subscription to a feature with `mode: answer`: on a change the legacy API is asked in the client's name, and what it answers is told. Lives on
/// its event loop.
///
/// However many changes come while it asks, or while the client does not read, they are one more question. So a slow client costs nothing, and what
/// it is told is always the newest.
final class AnswerFeed: Subscriber {
    /// Changes that an answer stands for, for the ledger: the newest ones.
    private static let maximumPending = 64

    private enum State {
        case idle
        /// Waits for others on the loop. Leaves by ``turn()``.
        case queued
        case asking
        /// The client does not read. Leaves by ``becameWritable()``.
        case held
        /// The legacy API could not be asked.
        case backingOff(Scheduled<Void>)
        case ended
    }

    /// Lets go of the feed when the subscription ends.
    private let stream: PushStream
    private let feature: Feature
    private let channel: ChannelName
    private let target: String
    /// `nil` before ``begin(at:snapshot:)``.
    private var told: ToldAnswer?
    private let wantsPatches: Bool
    private var state = State.idle
    /// Something was told since the legacy API was asked last.
    private var isStale = false
    /// Asks once more, when an API that does not show its own changes at once (`cache: { settle }`) must have settled.
    private var settling: Scheduled<Void>?
    private var failures = 0
    /// Those since the legacy API was asked last, and those that it was asked for.
    private var pending: [Publication] = []
    private var asked: [Publication] = []

    init(_ stream: PushStream, _ join: Session.Join, asking request: Session.AnswerRequest) {
        self.stream = stream
        feature = join.feature
        channel = join.channel
        target = request.target
        wantsPatches = request.wantsPatches
    }

    /// The client was told that it is subscribed.
    ///
    /// - Parameter snapshot: What it was given.
    func begin(at position: Position, snapshot: ServerMessage.Snapshot?) {
        told = ToldAnswer(channel: channel, position: position, snapshot: snapshot, wantsPatches: wantsPatches)
    }

    func end() {
        if case .backingOff(let timer) = state { timer.cancel() }
        settling?.cancel()
        settling = nil
        state = .ended
        pending = []
        asked = []
    }

    // MARK: Changes

    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
        note(run.publications)
        if isLast { flush() }
        return true
    }

    /// A batch has been told.
    func flush() {
        guard isStale else { return }
        // Not from here: what comes of it may end the subscription that is being told.
        let bound = NIOLoopBound(self, eventLoop: stream.channel.eventLoop)
        stream.channel.eventLoop.execute { bound.value.ask() }
    }

    func fellBehind(on channel: ChannelName, feature: Feature) {}

    /// What the client has may be old. What it missed while it was away is no delay of ours, so it is not counted.
    func mayBeOld() {
        isStale = true
        settle()
        flush()
    }

    private func note(_ publications: ArraySlice<Publication>) {
        isStale = true
        settle()
        pending += publications
        if pending.count > Self.maximumPending { pending.removeFirst(pending.count - Self.maximumPending) }
    }

    private func settle() {
        guard let settle = feature.cache?.settle, settle > .zero else { return }
        settling?.cancel()
        let bound = NIOLoopBound(self, eventLoop: stream.channel.eventLoop)
        settling = stream.channel.eventLoop.scheduleTask(in: .nanoseconds(Int64(settle / .nanoseconds(1)))) {
            bound.value.isStale = true
            bound.value.ask()
        }
    }

    func becameWritable() {
        guard case .held = state else { return }
        state = .idle
        ask()
    }

    // MARK: Asking

    private func ask() {
        guard case .idle = state, isStale else { return }
        guard stream.channel.isWritable else {
            state = .held
            return
        }
        state = .queued
        if stream.loopState.answerTurns.take(self) { _ = turn() }
    }

    /// It is this one's turn to ask.
    ///
    /// - Returns: `false`: it no longer wants to.
    func turn() -> Bool {
        guard case .queued = state else { return false }
        state = .asking
        isStale = false
        asked += pending
        if asked.count > Self.maximumPending { asked.removeFirst(asked.count - Self.maximumPending) }
        pending = []
        let core = stream.core
        let loop = stream.channel.eventLoop
        let position = core.hub.head
        let bound = NIOLoopBound(self, eventLoop: loop)
        let limit = core.configuration.maximumSnapshot
        core.gateway.askTogether(
            target, headers: stream.headers, isPoll: false, from: stream.origin, on: loop
        ).whenComplete { result in
            let feed = bound.value
            core.asked(feed.target, headers: feed.stream.headers, from: feed.stream.origin, result)
            // Later: an answer may be there at once, and the next one's too.
            loop.execute { bound.value.stream.loopState.answerTurns.give() }
            feed.answered(PollVerdict(result, maximumSnapshot: limit), at: position)
        }
        return true
    }

    /// - Parameter position: Where the log stood before the legacy API was asked.
    private func answered(_ verdict: PollVerdict, at position: Position?) {
        guard case .asking = state else { return }
        state = .idle
        stream.loopState.notePush()
        switch verdict {
        case .allowed(let answer?):
            failures = 0
            tell(answer, at: position)
        case .allowed(nil):
            failures = 0
            asked = []
            guard let position = told?.reset(at: position) else { return }
            let reason = "the answer is too long to be pushed"
            stream.tell(.reset(channel: channel, reason: reason, position: position), at: position)
        case .refused(let status):
            stream.core.metrics.answered(feature, .refused)
            return stream.perform { $0.refused(on: channel, status: status) }
        case .unavailable: return backOff()
        }
        // Telling finds out that the client is gone, and then this has ended by now.
        ask()
    }

    private func tell(_ answer: ServerMessage.Snapshot, at position: Position?) {
        let changes = asked
        asked = []
        guard let message = told?.next(answer, asked: position) else {
            return stream.core.metrics.answered(feature, .unchanged)
        }
        let isPatch = if case .patch = message.content { true } else { false }
        stream.core.metrics.answered(feature, isPatch ? .patch : .body)
        let bytes = stream.tell(.answer(message), at: message.position)
        guard !changes.isEmpty else {
            stream.costs.down += bytes
            return
        }
        let isPoller = stream.cohort(of: feature) == .poll
        stream.core.delivered(
            PushDelivery(
                publications: changes[...], subscribers: 1, bytes: bytes,
                pollers: isPoller ? Ledger.Push(subscribers: 1, bytes: bytes) : .nobody, at: stream.core.now()),
            toEvents: stream.carrier.transport == .events ? 1 : 0)
    }

    /// 1 s, doubling to 30 s; a part of it by chance, because many may have failed at once.
    private func backOff() {
        isStale = true
        stream.core.metrics.answered(feature, .failed)
        let seconds = Double(min(30, 1 << min(failures, 5))) * Double.random(in: 0.5...1)
        failures += 1
        let loop = stream.channel.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        state = .backingOff(
            loop.scheduleTask(in: .nanoseconds(Int64(seconds * 1e9))) {
                guard case .backingOff = bound.value.state else { return }
                bound.value.state = .idle
                bound.value.ask()
            })
    }
}

@available(*, unavailable)
extension AnswerFeed: Sendable {}
