import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellWire
import Logging
import NIOCore
import NIOHTTP1

/// One client that is pushed to, whatever carries it: ``Session`` decides, this does it. Lives on its event loop.
///
/// Everything due in one pass is collected and leaves in one write.
///
/// *A slow client is one that resumes.* While bytes of a client's send budget are free, messages are queued as they come. When they
/// are spent, its subscriptions fall behind: nothing more is queued for them, and once the socket takes bytes again they are read on
/// from the channel's history, a part of the budget at a time. So a stuck client costs its budget, a long replay costs no more, a
/// burst larger than any budget loses nothing, and `reset` is told only when history no longer reaches back.
final class PushStream {
    enum State {
        case open
        /// The farewell is written. Leaves when the carrier has ended.
        case closing
        case closed
    }

    /// Bytes that are written at once, so that a large batch goes to the kernel while it is being queued.
    private static let writeSize = 64 << 10

    let loopState: LoopState
    let origin: RequestOrigin
    // What is small stands together, in what ``origin`` leaves free, because padding is memory that every connection takes.
    private let marksPositions: Bool
    private(set) var state = State.open
    /// Bytes may be waiting that were written and that the kernel did not take: what comes next has to wait behind them.
    private var isWaiting = true
    private var isCatchingUp = false
    /// A message was dropped and the client is about to be closed for it: it gets nothing more, because what came next would
    /// hide the hole.
    private var isGivenUp = false
    /// Whether the client is told to poll any of ``standings``.
    var hasPollers = false
    let channel: any Channel
    /// The handshake's own, for asking the legacy API in the client's name.
    var headers: HTTPHeaders
    /// Lets go of the stream when it ends, so nothing keeps both alive.
    let carrier: any PushCarrier
    private(set) var session: Session
    let openedAt = NIODeadline.now()
    var seat = HeartbeatSeat.none

    /// Bytes of this pass, in the order in which they leave.
    private var queue: [[UInt8]] = []
    private(set) var queuedBytes = 0
    /// Channels that are read on from history once the socket takes bytes, the first one first.
    private(set) var behind: [ChannelName] = []
    /// When their subscriptions began, of those of ``behind`` whose replays are not complete: what was committed before that is no delay
    /// of ours.
    private var replayed: [ChannelName: Timestamp] = [:]
    /// `nil` until the client first reads too slowly.
    var slowness: Slowness?
    /// What the client sent for each question that is open, for the ledger.
    private var askedBytes: [Int: Int] = [:]
    /// `nil` until the client calls the legacy API.
    private var calls: OpenCalls?
    /// Of the channels of features with `mode: answer`.
    private var feeds: [ChannelName: AnswerFeed] = [:]
    /// The features that it is pushed, for who polls and is pushed the same.
    var pushed: [PollerLedger.Key] = []
    /// The features that it is pushed, for the ledger.
    var standings: [PushStanding] = []
    /// `nil`: it is none of the sample.
    private var radio: RadioProbe?
    /// Bytes that belong to no subscription and to no message, until they are told the ledger.
    var costs = (up: 0, down: 0)
    /// `nil` until the client asks who is on a channel.
    var watched: WatchedPresence?

    var core: ServerCore { loopState.core }

    /// - Returns: 0 when nothing was noted.
    func takeAskedBytes(of token: Int) -> Int { askedBytes.removeValue(forKey: token) ?? 0 }

    init(
        loopState: LoopState, origin: RequestOrigin, visitor: Visitor, channel: any Channel, carrier: any PushCarrier
    ) {
        self.loopState = loopState
        self.origin = origin
        self.headers = visitor.headers
        self.channel = channel
        self.carrier = carrier
        self.marksPositions = carrier.marksPositions
        let random = UInt64.random(in: .min ... .max)
        self.session = Session(
            id: Self.id(random), rules: loopState.core.sessionRules, standing: visitor.standing,
            jitter: Double(random >> 11) * 0x1p-53, now: Self.seconds())
    }

    static func seconds() -> Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }

    private static func id(_ number: UInt64) -> String {
        let digits = String(number, radix: 36)
        return String(repeating: "0", count: max(0, 13 - digits.count)) + digits
    }

    // MARK: Life

    /// The handshake's answer is on its way: begins the session with `actions`.
    func open(with actions: (inout Session) -> [Session.Action], bytesUp: Int) {
        loopState.add(self)
        radio = core.radio?.connected(at: Self.seconds())
        watchDeadline()
        core.metrics[carrier.transport].increment()
        perform(bytesUp: bytesUp, actions)
        settleCosts()
    }

    /// The carrier is gone.
    func ended() {
        guard state != .closed else { return }
        state = .closed
        queue = []
        queuedBytes = 0
        behind = []
        perform { $0.peerClosed() }
        calls?.cancelAll()
        calls = nil
        if let radio { core.radio?.disconnected(radio, at: Self.seconds()) }
        radio = nil
        loopState.remove(self)
        core.metrics[carrier.transport].decrement()
        core.metrics.connectionLifetime.recordNanoseconds((.now() - openedAt).nanoseconds)
    }

    /// Once each ``SessionLimits/heartbeat``.
    func beat(now: Double) {
        // Nothing comes from the client of an event stream: one that takes bytes lives. Before its silence is judged, or a loop that stood
        // still would be held against it.
        if carrier.transport == .events, channel.isWritable { session.heard(now: now) }
        perform { $0.timer(now: now) }
        radio?.transfer(at: now)
        settleCosts()
    }

    // MARK: Acting

    /// Lets the session decide, does what it decided, in order, and writes what came of it.
    ///
    /// - Parameters:
    ///   - bytesUp: What the client sent to bring this about.
    ///   - isFlushed: `false` while a read is being worked off, which ends in one write.
    func perform(
        bytesUp: Int = 0, isFlushed: Bool = true, _ decide: (inout Session) -> [Session.Action]
    ) {
        loopState.notePush()
        if bytesUp > 0 { radio?.transfer(at: Self.seconds()) }
        var bytesUp = bytesUp
        for action in decide(&session) {
            switch action {
            case .send(let message): appendCost(carrier.encoded(message.encoded(), position: nil))
            case .join(let join):
                self.join(join, bytesUp: bytesUp)
                bytesUp = 0
            case .leave(let channel): leave(channel)
            case .ask(let token, let target):
                ask(target, token: token, bytesUp: bytesUp)
                bytesUp = 0
            case .call(let request): call(request)
            case .watchPresence(let channel, let id): watchPresence(of: channel, id: id)
            case .publish(let outgoing): publish(outgoing)
            case .openCursor(let token, let client, let channel, let start):
                if bytesUp > 0 { askedBytes[token] = bytesUp }
                bytesUp = 0
                open(CursorKey(identity: cursorIdentity, client: client, channel: channel), at: start, token: token)
            case .acknowledge(let key, let position): acknowledge(key, position)
            case .drifted(let drift):
                core.metrics[drift.feature]?.drifts.increment()
                // Who follows a channel is not said: the name of the channel tells enough.
                core.logger.info(
                    "A client's state was not what its poll said",
                    metadata: [
                        "doorbell.feature": "\(drift.feature.name)", "doorbell.channel": "\(drift.channel)",
                        "doorbell.position": "\(drift.position)", "doorbell.digest": "\(drift.digest)",
                    ])
            case .verify(let token, let id): verify(token, id: id)
            case .adopt(let token): adopt(token)
            case .ping: appendCost(carrier.beat())
            case .close(let code): close(code)
            }
        }
        costs.up += bytesUp
        if isFlushed { flush() }
    }

    private func join(_ join: Session.Join, bytesUp: Int) {
        // Something before it in the same list may have found out that the client is gone.
        guard state == .open else { return }
        let feed = join.answers.map { AnswerFeed(self, join, asking: $0) }
        let subscriber: any Subscriber = feed ?? self
        let joined = loopState.shard.subscribe(
            subscriber, to: join.channel, feature: join.feature, version: join.version, since: Self.since(join),
            // What a feed is replayed is one question.
            limit: feed == nil ? max(1, min(portion, core.configuration.sendBudget - queuedBytes - unsentBytes)) : .max)
        if !joined.recovered, let anew = join.fromSnapshot {
            core.metrics.notRecovered.increment()
            loopState.shard.unsubscribe(subscriber, from: join.channel)
            return self.join(anew, bytesUp: bytesUp)
        }
        if join.start != .latest { (joined.recovered ? core.metrics.recovered : core.metrics.notRecovered).increment() }
        let before = queuedBytes
        if let feed { begin(feed, join, joined) } else { begin(join, joined) }
        if join.feature.presence { arrived(on: join.channel) }
        began(join, bytesUp: bytesUp, bytesDown: queuedBytes - before)
    }

    private func begin(_ join: Session.Join, _ joined: Joined) {
        if join.isRedelivery, joined.recovered { countRedelivery(join, joined) }
        open(join, joined)
        let isOnly = session.subscriptions.count == 1
        for publication in joined.replay {
            append(
                carrier.encoded(
                    loopState.shard.encoded(publication, as: join.version),
                    position: isOnly && isSettled(on: join.channel) ? publication.position : nil))
        }
        if !joined.isComplete {
            replayed[join.channel] = core.now()
            fallBehind(on: join.channel)
        }
    }

    /// The ledger is told of a subscription.
    private func began(_ join: Session.Join, bytesUp: Int, bytesDown: Int) {
        let isResumed = join.start == .position
        if isResumed { core.metrics.reconnects.increment() }
        guard let observer = core.observer else { return }
        let cohort: Ledger.Cohort = usesPush(join.feature) ? .push : .poll
        let isFirst = began(join.feature, cohort)
        observer.subscribed(
            PushSubscription(
                feature: join.feature, cohort: cohort, isFirst: isFirst, isResumed: isResumed,
                bytesUp: bytesUp, bytesDown: bytesDown))
    }

    /// A subscription whose changes are told as answers of the legacy API.
    private func begin(_ feed: AnswerFeed, _ join: Session.Join, _ joined: Joined) {
        feeds[join.channel] = feed
        open(join, joined)
        let isResumed = joined.recovered && join.start != .latest
        feed.begin(at: joined.position, snapshot: isResumed ? nil : join.snapshot)
        // Without a snapshot the client has nothing, and history may not reach back to the one that it has.
        let isWhole = isResumed || (join.snapshot != nil && joined.recovered)
        if !joined.replay.isEmpty || !isWhole { feed.mayBeOld() }
    }

    private static func since(_ join: Session.Join) -> Since {
        switch (join.start, join.since) {
        case (.earliest, _): .earliest
        case (.unknown, _): .unknown
        case (_, let position?): .position(position)
        case (_, nil): .latest
        }
    }

    /// What a subscription begins with, before its replay.
    private func open(_ join: Session.Join, _ joined: Joined) {
        let isOnly = session.subscriptions.count == 1
        for message in Session.subscribed(join, position: joined.position, recovered: joined.recovered) {
            append(
                carrier.encoded(
                    message.encoded(), position: isOnly && isSettled(on: join.channel) ? joined.position : nil))
        }
        beganPushing(join.feature)
        if let told = session.joined(join.feature, usesPush: usesPush(join.feature)) {
            append(carrier.encoded(told.encoded(), position: nil))
        }
    }

    /// One message of a subscription, by itself.
    ///
    /// - Parameter position: Where the client goes on when it comes back, if it has no other channels.
    /// - Returns: How many bytes.
    @discardableResult
    func tell(_ message: ServerMessage, at position: Position) -> Int {
        guard state == .open else { return 0 }
        let isOnly = session.subscriptions.count == 1 && session.isSettled
        let bytes = carrier.encoded(message.encoded(), position: isOnly ? position : nil)
        append(bytes)
        radio?.transfer(at: Self.seconds())
        flush()
        return bytes.count
    }

    private func leave(_ channel: ChannelName) {
        if let feed = feeds.removeValue(forKey: channel) {
            feed.end()
            loopState.shard.unsubscribe(feed, from: channel)
        } else {
            loopState.shard.unsubscribe(self, from: channel)
        }
        behind.removeAll { $0 == channel }
        replayed[channel] = nil
        guard let feature = core.catalog.feature(owning: channel) else { return }
        if feature.presence { departed(from: channel) }
        endedPushing(feature)
        ended(feature)
    }

    private func ask(_ target: String, token: Int, bytesUp: Int) {
        if bytesUp > 0 { askedBytes[token] = bytesUp }
        let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
        let limit = core.configuration.maximumSnapshot
        core.gateway.ask(target, headers: headers, from: origin, on: channel.eventLoop).whenComplete { result in
            let stream = bound.value
            stream.core.asked(target, headers: stream.headers, from: stream.origin, result)
            guard stream.state == .open else { return }
            let verdict = PollVerdict(result, maximumSnapshot: limit)
            let bytes = stream.takeAskedBytes(of: token)
            stream.perform(bytesUp: bytes) { $0.answered(token: token, verdict, now: Self.seconds()) }
        }
    }

    private func call(_ request: ClientMessage.Request) {
        guard state == .open else { return }
        let calls = calls ?? OpenCalls()
        self.calls = calls
        calls.start(request, of: self, headers: headers)
    }

    /// Writes `code`'s farewell, and nothing after it.
    private func close(_ code: CloseCode) {
        guard state == .open else { return }
        append(carrier.farewell(code))
        beginClosing()
    }

    /// What is queued is the last that leaves.
    func beginClosing() {
        guard state == .open else { return }
        flush()
        // Writing finds out that the client is gone.
        guard state == .open else { return }
        state = .closing
        calls?.cancelAll()
        carrier.close()
    }

    // MARK: Writing

    func append(_ bytes: [UInt8]) {
        guard state == .open, !bytes.isEmpty else { return }
        queue.append(bytes)
        queuedBytes += bytes.count
    }

    /// What belongs to no subscription and to no message.
    func appendCost(_ bytes: [UInt8]) {
        costs.down += bytes.count
        append(bytes)
    }

    /// Bytes that were written and that the kernel did not take. Not for every message: it takes as long as queueing one.
    var unsentBytes: Int { carrier.unsentBytes }

    /// Whether `count` more bytes are within the budget.
    func hasRoom(for count: Int) -> Bool {
        let budget = core.configuration.sendBudget
        // While nothing waits nothing is unsent; as long as the channel is writable, less than half of the budget is.
        if queuedBytes + count <= budget / 2, !isWaiting || channel.isWritable { return true }
        return queuedBytes + unsentBytes + count <= budget
    }

    /// How much history is read at once.
    private var portion: Int { max(1, core.configuration.sendBudget / 4) }

    // MARK: Being behind

    /// The socket takes bytes again.
    func becameWritable() {
        isWaiting = unsentBytes > 0
        catchUp()
        for feed in feeds.values { feed.becameWritable() }
        calls?.becameWritable(self)
        catchUpPresence()
    }

    /// Whether a position on `channel` says that everything before it was told on all others; `false` where nobody wants to know.
    private func isSettled(on channel: ChannelName) -> Bool {
        guard marksPositions, behind.isEmpty, session.isSettled else { return false }
        let shard = loopState.shard
        guard session.subscriptions.count > 1, shard.isHoldingAny else { return true }
        return !session.subscriptions.channels.contains { $0 != channel && shard.isHolding($0) }
    }

    /// As ``isSettled(on:)``, for what was read from history: that may be ahead of what is on its way to the other channels.
    private func isSettled(on channel: ChannelName, at position: Position) -> Bool {
        guard isSettled(on: channel) else { return false }
        return session.subscriptions.count == 1 || loopState.shard.toldThrough.map { position <= $0 } ?? false
    }

    private func fallBehind(on channel: ChannelName) {
        guard !behind.contains(channel) else { return }
        behind.append(channel)
        guard behind.count == 1, !isCatchingUp else { return }
        // Not from here: the shard is in the middle of its subscribers.
        let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
        self.channel.eventLoop.execute { bound.value.catchUp() }
    }

    /// Reads on from history, as long as the socket takes it.
    private func catchUp() {
        guard !isCatchingUp, !behind.isEmpty else { return }
        isCatchingUp = true
        defer { isCatchingUp = false }
        while state == .open, !isGivenUp, channel.isWritable, let next = behind.first {
            guard let resumed = loopState.shard.resume(self, on: next, limit: portion) else {
                behind.removeFirst()
                continue
            }
            if resumed.isComplete { behind.removeFirst() }
            var bytes = 0
            if !resumed.recovered {
                core.metrics.slowReset.increment()
                noteSlowness { $0.resets += 1 }
                tellBuffers(on: next) { $0.resets = 1 }
                let reset = ServerMessage.reset(channel: next, reason: "slow consumer", position: resumed.position)
                appendCost(
                    carrier.encoded(
                        reset.encoded(), position: isSettled(on: next, at: resumed.position) ? resumed.position : nil))
            }
            if resumed.dropped > 0, let through = resumed.publications.last?.position {
                tellConflated(on: next, through: through, dropped: resumed.dropped)
            }
            for (index, message) in resumed.messages.enumerated() {
                let isLast = index == resumed.messages.count - 1
                let position = resumed.publications[index].position
                let encoded = carrier.encoded(
                    message, position: isLast && isSettled(on: next, at: position) ? position : nil)
                bytes += encoded.count
                append(encoded)
            }
            caughtUp(on: next, resumed, bytes: bytes)
            flush()
        }
    }
}

extension PushStream {
    /// The ledger is told what came from history: of a replay the bytes only.
    private func caughtUp(on channel: ChannelName, _ resumed: HubShard.Resumed, bytes: Int) {
        let since = replayed[channel]
        if resumed.isComplete { replayed[channel] = nil }
        guard let observer = core.observer, let feature = resumed.publications.first?.feature else { return }
        let late =
            since.map { since in resumed.publications.drop { $0.committedAt < since } }
            ?? resumed.publications[...]
        let part = bytes * late.count / resumed.publications.count
        if part < bytes { costs.down += bytes - part }
        guard !late.isEmpty else { return }
        let isPoller = cohort(of: feature) == .poll
        observer.caughtUp(
            PushDelivery(
                publications: late, subscribers: 1, bytes: part,
                pollers: isPoller ? Ledger.Push(subscribers: 1, bytes: part) : .nobody, at: core.now()))
    }
}

extension PushStream: Subscriber {
    func enqueue(_ run: MessageRun, isLast: Bool) -> Bool {
        // Closing or closed: nobody is owed anything, which is not falling behind.
        guard state == .open else { return true }
        if isGivenUp { return false }
        let bytes = carrier.encoded(run, isPositioned: marksPositions && isSettled(on: run.channel))
        if queue.isEmpty, isLast, !isWaiting {
            // Nothing stands before it and nothing follows: straight to the socket.
            let sent = carrier.send(bytes)
            if sent < bytes.count {
                append(sent > 0 ? Array(bytes[sent...]) : bytes)
                writeOut()
            }
        } else {
            if queuedBytes >= Self.writeSize, channel.isWritable { flush() }
            guard hasRoom(for: bytes.count) else {
                if isLast { flush() }
                return false
            }
            append(bytes)
            if isLast { flush() }
        }
        let isPoller = hasPollers && run.publications.first.map { cohort(of: $0.feature) == .poll } ?? false
        loopState.told(
            bytes: bytes.count, on: carrier.transport, isPoller: isPoller, waiting: isWaiting ? bufferedBytes : 0)
        radio?.transfer(at: Self.seconds())
        return true
    }

    func flush() {
        guard !queue.isEmpty, state != .closed else { return }
        if queue.count == 1, !isWaiting {
            let bytes = queue[0]
            let sent = carrier.send(bytes)
            guard sent < bytes.count else {
                queue = []
                queuedBytes = 0
                return
            }
            if sent > 0 { queue[0].removeFirst(sent) }
        }
        writeOut()
    }

    /// Writes what is queued through the pipeline, which keeps what the kernel does not take.
    private func writeOut() {
        let buffer: ByteBuffer
        if queue.count == 1 {
            buffer = loopState.buffer(for: queue[0])
        } else {
            var joined = channel.allocator.buffer(capacity: queuedBytes)
            for bytes in queue { joined.writeBytes(bytes) }
            buffer = joined
        }
        queue = []
        queuedBytes = 0
        carrier.write(buffer)
        let unsent = unsentBytes
        isWaiting = unsent > 0
        if unsent > 0 { core.metrics.sendBuffer.record(unsent) }
    }

    func fellBehind(on channel: ChannelName, feature: Feature) {
        guard state == .open else { return }
        noteSlowness { $0.timesBehind += 1 }
        tellBuffers(on: channel) {
            $0.behind = 1
            $0.waitingBytes = UInt64(bufferedBytes)
        }
        switch feature.slow {
        case .disconnect:
            guard !isGivenUp else { return }
            isGivenUp = true
            tellBuffers(on: channel) { $0.closed = 1 }
            core.metrics.slowDisconnect.increment()
            // Not from here: the shard is in the middle of its subscribers.
            let bound = NIOLoopBound(self, eventLoop: self.channel.eventLoop)
            self.channel.eventLoop.execute { bound.value.perform { $0.close(.slowConsumer) } }
        case .reset: fallBehind(on: channel)
        case .conflate:
            core.metrics.slowConflate.increment()
            fallBehind(on: channel)
        }
    }
}

extension PushStream: HeartbeatMember {}

@available(*, unavailable)
extension PushStream: Sendable {}
