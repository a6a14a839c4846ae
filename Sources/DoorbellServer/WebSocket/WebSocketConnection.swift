import CoreMetrics
import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore
import NIOHTTP1

/// One WebSocket after its handshake: frames in, ``Session`` decides, frames out. Lives on its event loop.
///
/// Everything due in one pass is collected and leaves in one write. Backpressure is real in both directions: a client that
/// does not read fills its send budget, and while it is over half of it nothing is read from it either, so that it cannot
/// make the server queue answers.
final class WebSocketConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State {
        /// Not in a pipeline yet.
        case created
        case open
        /// Our close frame is on its way. Leaves when the peer closes, or after ``closeTimeout``.
        case closing
        case closed
    }

    /// How long the peer may take to answer a close frame.
    private static let closeTimeout = TimeAmount.seconds(2)

    let core: ServerCore
    let loopState: LoopState
    let origin: RequestOrigin
    /// The handshake's own, for asking the legacy API in the client's name.
    private let headers: HTTPHeaders
    var session: Session
    private var parser: WebSocketFrameParser
    private(set) var state = State.created
    private var context: ChannelHandlerContext?
    private let openedAt = NIODeadline.now()
    private var heartbeat: RepeatedTask?

    /// Frames of this pass, bounded by the send budget (live messages) or by what one read can ask for (answers).
    private var queue: [[UInt8]] = []
    private var queuedBytes = 0
    /// Channels with dropped messages. While there are any, no live message is queued, so that nobody sees a hole before
    /// its `reset`.
    private var behind: [ChannelName] = []
    private var isReadHeld = false
    private var isWorking = false
    /// A message was dropped and the client is about to be closed for it: it gets nothing more, because what came next would
    /// hide the hole.
    private var isGivenUp = false
    /// Bytes of replays that may still be waiting, and do not count against the send budget: a replay is as long as it is, and the
    /// first live message after it would make every client that comes back after a while a slow one. Shrinks with what waits.
    private var replayAllowance = 0
    /// What the client sent for each question that is open, for the ledger.
    private var askedBytes: [Int: Int] = [:]

    init(
        core: ServerCore, loopState: LoopState, origin: RequestOrigin, headers: HTTPHeaders, sessionID: String,
        jitter: Double
    ) {
        self.core = core
        self.loopState = loopState
        self.origin = origin
        self.headers = headers
        self.session = Session(
            id: sessionID, catalog: core.catalog, limits: core.configuration.session, jitter: jitter,
            now: Self.seconds())
        self.parser = WebSocketFrameParser(
            role: .server, maximumMessageSize: core.configuration.maximumMessageSize)
    }

    static func seconds() -> Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }

    // MARK: Pipeline

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// The handshake's answer is on its way: begins the session with `actions`.
    func open(with actions: (inout Session) -> [Session.Action], bytesUp: Int) {
        guard let context, state == .created, context.channel.isActive else { return }
        state = .open
        loopState.add(self)
        core.metrics.webSocketConnections.increment()
        let period = TimeAmount.nanoseconds(Int64(core.configuration.session.heartbeat.seconds * 1e9))
        // The first beat comes at a random moment, so that many clients that came at once are not pinged at once.
        let first = TimeAmount.nanoseconds(Int64.random(in: period.nanoseconds / 2...max(1, period.nanoseconds)))
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        heartbeat = context.eventLoop.scheduleRepeatedTask(initialDelay: first, delay: period) { _ in
            let connection = bound.value
            connection.run(connection.session.timer(now: Self.seconds()))
        }
        run(actions(&session), bytesUp: bytesUp)
    }

    private func ended() {
        guard state != .closed else { return }
        let wasOpen = state != .created
        state = .closed
        context = nil
        queue = []
        queuedBytes = 0
        run(session.peerClosed())
        heartbeat?.cancel()
        heartbeat = nil
        guard wasOpen else { return }
        loopState.remove(self)
        core.metrics.webSocketConnections.decrement()
        core.metrics.connectionLifetime.recordNanoseconds((.now() - openedAt).nanoseconds)
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard state == .open || state == .closing else { return }
        session.heard(now: Self.seconds())
        parser.append(Array(buffer.readableBytesView))
        work()
    }

    /// Works off what was read, as long as the client takes the answers: a few bytes can ask for a whole history.
    private func work() {
        // Writing within it can make the socket writable again, which comes back here.
        guard !isWorking else { return }
        isWorking = true
        defer { isWorking = false }
        do throws(WebSocketError) {
            while state == .open || state == .closing {
                if state == .open, queuedBytes >= core.configuration.sendBudget / 2 { flush() }
                // Goes on in `channelWritabilityChanged`; meanwhile nothing is read.
                if state == .open, context?.channel.isWritable != true { return }
                guard let event = try parser.next() else { return }
                received(event)
            }
        } catch {
            run(session.close(error.code))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if context.channel.isWritable { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            catchUp()
            work()
            flush()
            if isReadHeld {
                isReadHeld = false
                context.read()
            }
        }
        context.fireChannelWritabilityChanged()
    }

    private func received(_ event: WebSocketFrameParser.Event) {
        if state == .closing {
            if case .close = event { context?.close(promise: nil) }
            return
        }
        let now = Self.seconds()
        switch event {
        case .text(let bytes):
            do throws(WireError) {
                let message = try ClientMessageDecoder.decode(bytes)
                let frameBytes = bytes.count + (bytes.count < 126 ? 6 : 8)
                run(session.received(message, position: core.hub.head, now: now), bytesUp: frameBytes, isFlushed: false)
            } catch {
                run(session.received(error, now: now), isFlushed: false)
            }
        case .binary: run(session.close(.unsupportedData))
        case .ping(let payload):
            let refusal = session.pinged(now: now)
            if refusal.isEmpty { append(WebSocketFrame.encode(.pong, payload)) } else { run(refusal, isFlushed: false) }
        case .pong: break
        case .close(let code, _):
            run(session.peerClosed(), isFlushed: false)
            append(WebSocketFrame.close(CloseCode(number: code ?? 1000, reason: "")))
            beginClosing(thenAtOnce: true)
        }
    }

    // MARK: Acting

    /// Does what the session decided, in order, and writes what came of it.
    ///
    /// - Parameters:
    ///   - bytesUp: What the client sent to bring this about.
    ///   - isFlushed: `false` while a read is being worked off, which ends in one write.
    func run(_ actions: [Session.Action], bytesUp: Int = 0, isFlushed: Bool = true) {
        var bytesUp = bytesUp
        for action in actions {
            switch action {
            case .send(let message): append(message.encoded().frame)
            case .join(let join):
                self.join(join, bytesUp: bytesUp)
                bytesUp = 0
            case .leave(let channel): leave(channel)
            case .ask(let token, let target): ask(target, token: token, bytesUp: bytesUp)
            case .ping: append(WebSocketFrame.encode(.ping, []))
            case .close(let code):
                append(WebSocketFrame.close(code))
                beginClosing(thenAtOnce: false)
            }
        }
        if isFlushed { flush() }
    }

    private func join(_ join: Session.Join, bytesUp: Int) {
        let since: Since =
            switch (join.start, join.since) {
            case (.earliest, _): .earliest
            case (.unknown, _): .unknown
            case (_, let position?): .position(position)
            case (_, nil): .latest
            }
        let joined = loopState.shard.subscribe(
            self, to: join.channel, feature: join.feature, version: join.version, since: since)
        if !joined.recovered, let anew = join.fromSnapshot {
            core.metrics.notRecovered.increment()
            loopState.shard.unsubscribe(self, from: join.channel)
            return self.join(anew, bytesUp: bytesUp)
        }
        if join.start != .latest { (joined.recovered ? core.metrics.recovered : core.metrics.notRecovered).increment() }
        let before = queuedBytes
        for message in Session.subscribed(join, position: joined.position, recovered: joined.recovered) {
            append(message.encoded().frame)
        }
        // Bounded by the feature's history, not by the send budget: a replay is all or nothing.
        let beforeReplay = queuedBytes
        for publication in joined.replay { append(loopState.shard.encoded(publication, as: join.version).frame) }
        replayAllowance += queuedBytes - beforeReplay
        core.observer?.subscribed(feature: join.feature, bytesUp: bytesUp, bytesDown: queuedBytes - before)
    }

    private func leave(_ channel: ChannelName) {
        loopState.shard.unsubscribe(self, from: channel)
        behind.removeAll { $0 == channel }
        if let feature = core.catalog.feature(owning: channel) { core.observer?.unsubscribed(feature: feature) }
    }

    private func ask(_ target: String, token: Int, bytesUp: Int) {
        guard let context else { return }
        if bytesUp > 0 { askedBytes[token] = bytesUp }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let limit = core.configuration.maximumSnapshot
        core.gateway.ask(target, headers: headers, from: origin, on: context.eventLoop).whenComplete { result in
            let connection = bound.value
            let verdict = PollVerdict(result, maximumSnapshot: limit)
            let bytes = connection.askedBytes.removeValue(forKey: token) ?? 0
            connection.run(
                connection.session.answered(token: token, verdict, now: Self.seconds()), bytesUp: bytes)
        }
    }

    private func beginClosing(thenAtOnce: Bool) {
        guard state == .open, let context else { return }
        state = .closing
        flush()
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        if thenAtOnce {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
        }
        // A client that neither reads nor answers is not waited for.
        context.eventLoop.scheduleTask(in: Self.closeTimeout) { bound.value.close(promise: nil) }
    }

    // MARK: Writing

    private func append(_ frame: [UInt8]) {
        guard state == .open else { return }
        queue.append(frame)
        queuedBytes += frame.count
    }

    /// Bytes that NIO holds for the socket because the kernel did not take them.
    private var outstandingBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }
}

extension WebSocketConnection: Subscriber {
    func enqueue(_ message: EncodedMessage) -> Bool {
        // Closing or closed: nobody is owed anything, which is not falling behind.
        guard state == .open else { return true }
        if isGivenUp { return false }
        let size = message.frame.count
        let waiting = queuedBytes + outstandingBytes
        replayAllowance = min(replayAllowance, waiting)
        guard behind.isEmpty, waiting + size <= core.configuration.sendBudget + replayAllowance else { return false }
        append(message.frame)
        loopState.queued(bytes: size)
        return true
    }

    func flush() {
        guard !queue.isEmpty, let context else { return }
        let buffer: ByteBuffer
        if queue.count == 1 {
            buffer = loopState.buffer(for: queue[0])
        } else {
            var joined = context.channel.allocator.buffer(capacity: queuedBytes)
            for frame in queue { joined.writeBytes(frame) }
            buffer = joined
        }
        queue.removeAll(keepingCapacity: queue.count <= 16)
        queuedBytes = 0
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        let outstanding = outstandingBytes
        if outstanding > 0 { core.metrics.sendBuffer.record(outstanding) }
        catchUp()
    }

    func fellBehind(on channel: ChannelName, feature: Feature) {
        guard state == .open, let context else { return }
        switch feature.slow {
        case .disconnect:
            guard !isGivenUp else { return }
            isGivenUp = true
            core.metrics[feature]?.slowDisconnect.increment()
            // Not from here: the shard is in the middle of its subscribers.
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.execute { bound.value.run(bound.value.session.close(.slowConsumer)) }
        case .reset:
            guard !isGivenUp, !behind.contains(channel) else { return }
            core.metrics[feature]?.slowReset.increment()
            behind.append(channel)
            // Whatever was queued before still leaves in this pass.
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            context.eventLoop.execute { bound.value.catchUp() }
        }
    }

    /// Tells `reset` for every channel with dropped messages, once the socket takes bytes again.
    private func catchUp() {
        guard !behind.isEmpty, !isGivenUp, state == .open, let context, context.channel.isWritable, queue.isEmpty,
            let head = core.hub.head
        else { return }
        let channels = behind
        behind.removeAll()
        for channel in channels {
            append(ServerMessage.reset(channel: channel, reason: "slow consumer", position: head).encoded().frame)
        }
        flush()
    }
}

@available(*, unavailable)
extension WebSocketConnection: Sendable {}
