import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import NIOCore
import NIOHTTP1

/// A poll that is answered when there is something new: `Prefer: wait=N` (RFC 7240, section 4.3). Lives on its event loop.
///
/// The legacy API is asked at once, because it decides whether the client may poll. When what it says is what the client has, the
/// poll waits for a message on the URL's channels and asks again; at the deadline it is a 304. The position is taken before each
/// question, so nothing falls between an answer and the wait for the next one.
final class HeldPoll {
    /// `Prefer: wait` asks for at most so many seconds; longer ones are cut, and `Preference-Applied` says so.
    static let longestWait = 60

    private let core: ServerCore
    private let loopState: LoopState
    private let origin: RequestOrigin
    private let loop: any EventLoop
    private let head: HTTPRequestHead
    private var target: String { head.uri }
    /// What the legacy API is asked with.
    var headers: HTTPHeaders
    private let poll: FeatureCatalog.Poll
    /// What the client has: entity tags, as it sent them, or a position.
    private let known: [String]
    private let knownPosition: Position?
    private let seconds: Int
    /// Called once.
    private var finish: ((LocalAnswer) -> Void)?
    /// Joined at the shard.
    private var joined: [ChannelName] = []
    private var timer: Scheduled<Void>?
    private var isAsking = false
    /// A message came while the legacy API was being asked, which may or may not have seen it.
    private var isStale = false
    /// Where the log stood before the legacy API was asked last, and how often it was.
    private var askedAt: Position?
    private var asked = 0
    /// `nil` until it waits for a change.
    private var waitingSince: NIODeadline?

    init?(
        _ head: HTTPRequestHead, poll: FeatureCatalog.Poll, core: ServerCore, loopState: LoopState,
        origin: RequestOrigin,
        loop: any EventLoop
    ) {
        guard let seconds = Self.wait(head), !poll.channels.isEmpty else { return nil }
        self.core = core
        self.loopState = loopState
        self.origin = origin
        self.loop = loop
        self.head = head
        self.headers = WebSocketUpgrade.asking(head.headers)
        self.poll = poll
        self.known = head.headers[canonicalForm: "if-none-match"].map { String($0.trimmed) }
        self.knownPosition = head.headers.first(name: "doorbell-position").flatMap { Position($0) }
        self.seconds = seconds
    }

    /// The seconds of `Prefer: wait=N`; `nil`: the request is not for this.
    static func wait(_ head: HTTPRequestHead) -> Int? {
        guard head.method == .GET else { return nil }
        for preference in head.headers[canonicalForm: "prefer"] {
            let parts = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed.lowercased() == "wait" else { continue }
            return Int(parts[1].trimmed.filter { $0 != "\"" }).flatMap { $0 > 0 ? min($0, longestWait) : nil }
        }
        return nil
    }

    func start(_ finish: @escaping (LocalAnswer) -> Void) {
        self.finish = finish
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleTask(in: .seconds(Int64(seconds))) { bound.value.expired() }
        loopState.add(self)
        ask()
    }

    /// Changes may not be heard of from now on: the legacy API is asked once more, and its answer is the poll's.
    func hurry() {
        isStale = true
        ask()
    }

    /// The client is gone, or the server is going away.
    func cancel() {
        finish = nil
        leave()
        timer?.cancel()
        loopState.remove(self)
    }

    private func leave() {
        for channel in joined { loopState.shard.unsubscribe(self, from: channel) }
        joined = []
    }

    private func end(_ answer: LocalAnswer) {
        guard let finish else { return }
        cancel()
        finish(answer)
        LoopClock.note(.held)
        core.gateway.answered(
            HeldAnswer(
                head: head, origin: origin, poll: poll, status: answer.status, headers: answer.headers,
                body: ByteBuffer(bytes: answer.body), position: askedAt, originRequests: asked,
                seconds: waitingSince.map { Double((.now() - $0).nanoseconds) / 1e9 }))
    }

    // MARK: Asking

    private func ask() {
        guard finish != nil, !isAsking else { return }
        isAsking = true
        isStale = false
        let bound = NIOLoopBound(self, eventLoop: loop)
        let position = core.hub.head
        // A poll, where those may be answered from memory.
        let answer =
            poll.feature.cache != nil
            ? core.gateway.askTogether(target, headers: headers, isPoll: true, from: origin, on: loop)
            : core.gateway.ask(target, headers: headers, from: origin, on: loop)
        answer.whenComplete { result in
            let held = bound.value
            held.isAsking = false
            held.askedAt = position
            held.asked += (try? result.get().originRequests) ?? 1
            held.answered(result, askedAt: position)
        }
    }

    private func answered(_ result: Result<PollAnswer, any Error>, askedAt position: Position?) {
        guard finish != nil else { return }
        switch result {
        case .failure(let error):
            let failure = error as? GatewayFailure
            end(.problem(failure?.status ?? .badGateway, failure?.reason ?? "the legacy API did not answer"))
        case .success(let answer):
            let tag = answer.status == .ok ? EntityTag.of(answer) : nil
            let isKnown = tag.map { tag in known.contains { EntityTag.opaque($0) == EntityTag.opaque(tag) } } ?? false
            let mayWait = core.refusal == nil && position != nil && answer.status == .ok
            guard isKnown || (mayWait && known.isEmpty && isNothingNew(at: position)) else {
                return end(whole(answer, tag: tag, position: position))
            }
            guard mayWait else { return end(unchanged(since: position)) }
            guard joined.isEmpty else {
                if isStale { ask() }
                return
            }
            wait(since: position)
        }
    }

    /// Whether nothing was told on the URL's channels after the client's own position.
    private func isNothingNew(at position: Position?) -> Bool {
        guard let knownPosition, let position, knownPosition.epoch == position.epoch else { return false }
        return poll.channels.allSatisfy { channel in
            core.hub.reaches(back: knownPosition, on: channel)
                && core.hub.lastPosition(on: channel).map { $0 <= knownPosition } ?? true
        }
    }

    private func wait(since position: Position?) {
        waitingSince = .now()
        for channel in poll.channels {
            let subscribed = loopState.shard.subscribe(
                self, to: channel, feature: poll.feature, version: poll.feature.versions.first?.version ?? .first,
                since: position.map { .position($0) } ?? .latest)
            joined.append(channel)
            if !subscribed.recovered || !subscribed.replay.isEmpty { isStale = true }
        }
        if isStale { ask() }
    }

    // MARK: Answers

    private func whole(_ answer: PollAnswer, tag: String?, position: Position?) -> LocalAnswer {
        guard let body = answer.body else {
            return .problem(.badGateway, "the legacy API's answer is too long to be held: poll without Prefer: wait")
        }
        var headers = applied(answer.headers, position: position)
        headers.remove(name: "content-length")
        if let tag { headers.replaceOrAdd(name: "etag", value: tag) }
        if joined.isEmpty == false { core.metrics.heldAnswered.increment() }
        return LocalAnswer(answer.status, headers: headers, body: Array(body.readableBytesView))
    }

    private func expired() {
        core.metrics.heldExpired.increment()
        // What was told since the last answer has not been shown, and may be shown by nothing else.
        end(unchanged(since: isAsking || isStale ? askedAt : core.hub.head))
    }

    private func unchanged(since position: Position?) -> LocalAnswer {
        var headers = applied([:], position: position)
        if known.count == 1, let tag = known.first { headers.add(name: "etag", value: tag) }
        return LocalAnswer(.notModified, headers: headers)
    }

    private func applied(_ headers: HTTPHeaders, position: Position?) -> HTTPHeaders {
        var headers = headers
        headers.replaceOrAdd(name: "preference-applied", value: "wait=\(seconds)")
        headers.replaceOrAdd(name: "doorbell-feature", value: poll.feature.name)
        if let position { headers.replaceOrAdd(name: "doorbell-position", value: "\(position)") }
        return headers
    }
}

extension HeldPoll: Subscriber {
    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
        isStale = true
        loopState.notePush(.held)
        if isLast { flush() }
        return true
    }

    /// A batch has been told.
    func flush() {
        guard isStale else { return }
        // Not from here: what comes of it may end the subscriptions that are being told.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.ask() }
    }

    func fellBehind(on channel: ChannelName, feature: Feature) {}
}

@available(*, unavailable)
extension HeldPoll: Sendable {}
