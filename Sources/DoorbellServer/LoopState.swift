import CoreMetrics
import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellRollout
import DoorbellWire
import NIOCore

/// What one event loop owns: its shard and its connections. Lives on that loop.
final class LoopState {
    let core: ServerCore
    let shard: HubShard
    /// Those that are not WebSockets: who is pushed to by one is among ``streams``.
    private(set) var connections: [ObjectIdentifier: any Channel] = [:]
    private var wheel: HeartbeatWheel<PushStream>
    private var http2: HeartbeatWheel<HTTP2Connection>
    /// Of both wheels. `nil` while there is nobody to serve.
    private var ticking: Scheduled<Void>?
    private var pace: HeartbeatPace
    let presence = PresenceWatchers()
    let answerTurns = AnswerTurns()
    private(set) var heldPolls: [ObjectIdentifier: HeldPoll] = [:]
    /// For all connections that agreed to compression; costs nothing before the first of them is sent something.
    let deflater: MessageDeflater
    /// When tokens expire, or have to be there.
    private var deadlines = DeadlineTable<PushStream>()
    /// Of ``deadlines``. `nil` while there are none.
    private var sweeping: RepeatedTask?
    /// Wall clock.
    private let now: @Sendable () -> Timestamp
    private let tally: DeliveryTally
    /// `nil` before the loop's first turn, and where nothing is measured.
    private var work: LoopWork?
    /// The frame that was written last, ready to be written again: a publication goes to many connections in a row.
    private var lastFrame: (bytes: [UInt8], buffer: ByteBuffer)?

    init(core: ServerCore, loop: any EventLoop) {
        let tally = DeliveryTally()
        self.core = core
        self.tally = tally
        self.now = core.now
        let metrics = core.metrics
        self.deflater = MessageDeflater { before, after in
            metrics.compressionInput.increment(by: before)
            metrics.compressionOutput.increment(by: after)
        }
        let pace = HeartbeatPace(heartbeat: core.configuration.session.heartbeat.seconds)
        self.pace = pace
        self.wheel = HeartbeatWheel(slots: pace.slots)
        self.http2 = HeartbeatWheel(slots: pace.slots)
        self.shard = HubShard(
            hub: core.hub, encode: PublicationEncoder.encode,
            // So that a client whose budget is empty has room for a run.
            runLimit: max(1, min(64 << 10, core.configuration.sendBudget / 4)),
            join: MessageBatch.join,
            later: { work in
                let work = NIOLoopBound(work, eventLoop: loop)
                loop.execute { work.value() }
            },
            after: { duration, work in
                let work = NIOLoopBound(work, eventLoop: loop)
                loop.scheduleTask(in: .nanoseconds(Int64(duration.seconds * 1e9))) { work.value() }
            },
            observe: { publications in
                let told = tally.take()
                guard told.subscribers > 0 else { return }
                core.delivered(
                    PushDelivery(
                        publications: publications, subscribers: told.subscribers, bytes: told.bytes,
                        pollers: told.pollers, at: core.now(), waitingBytes: told.waiting),
                    toEvents: told.events)
            })
    }

    /// `channel` was accepted and admitted. ``closed(_:_:)`` has to be called at its end.
    func opened(_ channel: any Channel) { connections[ObjectIdentifier(channel)] = channel }

    /// - Parameter address: What was noted of it when it was admitted.
    func closed(_ connection: ObjectIdentifier, _ address: AddressRange?) {
        connections[connection] = nil
        core.closeConnection(address)
    }

    /// `channel` is a WebSocket from now on, and found by its stream.
    func becameWebSocket(_ channel: any Channel) { connections[ObjectIdentifier(channel)] = nil }

    /// Everybody who is pushed to, in no order.
    var streams: [PushStream] { wheel.members }

    /// `stream` beats from now on, until it is removed.
    func add(_ stream: PushStream) {
        wheel.add(stream)
        startTicking(on: stream.channel.eventLoop)
    }

    func remove(_ stream: PushStream) {
        wheel.remove(stream)
        watch(stream, until: nil)
        stopTicking()
    }

    /// `connection` beats from now on, until it is removed.
    func add(_ connection: HTTP2Connection, on loop: any EventLoop) {
        http2.add(connection)
        startTicking(on: loop)
    }

    func remove(_ connection: HTTP2Connection) {
        http2.remove(connection)
        stopTicking()
    }

    private func startTicking(on loop: any EventLoop) {
        guard ticking == nil else { return }
        pace.begin(at: PushStream.seconds())
        tick(on: loop)
    }

    private func tick(on loop: any EventLoop) {
        let rest = TimeAmount.nanoseconds(Int64(pace.rest(members: wheel.count + http2.count) * 1e9))
        let bound = NIOLoopBound(self, eventLoop: loop)
        ticking = loop.scheduleTask(in: rest) {
            let state = bound.value
            state.ticking = nil
            state.beat()
            // Whoever came meanwhile has begun already.
            guard state.ticking == nil, !state.wheel.isEmpty || !state.http2.isEmpty else { return }
            state.tick(on: loop)
        }
    }

    private func stopTicking() {
        guard wheel.isEmpty, http2.isEmpty else { return }
        ticking?.cancel()
        ticking = nil
    }

    /// Something was done for somebody who is pushed to, or waits.
    func notePush(_ path: Ledger.Path = .push) {
        if work == nil {
            work = LoopWork.current
            work?.follow(tally)
        }
        work?.note(path, units: 1)
    }

    private func beat() {
        let now = PushStream.seconds()
        for _ in 0..<pace.due(at: now) {
            for stream in wheel.tick() where stream.seat.isTaken { stream.beat(now: now) }
            for connection in http2.tick() where connection.seat.isTaken { connection.beat(now: now) }
        }
    }

    /// `stream`'s session is told when its deadline has passed, at most a second later.
    ///
    /// - Parameter deadline: `nil`: there is none any more.
    func watch(_ stream: PushStream, until deadline: Timestamp?) {
        deadlines.set(stream, at: deadline)
        if deadlines.isEmpty {
            sweeping?.cancel()
            sweeping = nil
        } else if sweeping == nil {
            let bound = NIOLoopBound(self, eventLoop: stream.channel.eventLoop)
            let period = TimeAmount.milliseconds(500)
            sweeping = stream.channel.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) { _ in
                bound.value.sweep()
            }
        }
    }

    private func sweep() {
        let now = now()
        for stream in deadlines.due(now: now) { stream.perform { $0.expire(now: now) } }
    }

    func add(_ held: HeldPoll) { heldPolls[ObjectIdentifier(held)] = held }
    func remove(_ held: HeldPoll) { heldPolls[ObjectIdentifier(held)] = nil }

    /// Notes live messages that one client was told, for the observer.
    ///
    /// - Parameters:
    ///   - isPoller: The client is told to poll.
    ///   - waiting: Bytes that wait for the client now.
    func told(bytes: Int, on transport: PushTransport, isPoller: Bool, waiting: Int) {
        tally.waiting = max(tally.waiting, waiting)
        tally.bytes += bytes
        tally.subscribers += 1
        tally.total &+= 1
        if transport == .events { tally.events += 1 }
        guard isPoller else { return }
        tally.pollers.bytes += bytes
        tally.pollers.subscribers += 1
    }

    /// `frame` as a buffer that shares its bytes with the one before when the frame is the same array.
    func buffer(for frame: [UInt8]) -> ByteBuffer {
        if let last = lastFrame, last.bytes.isSameStorage(as: frame) { return last.buffer }
        let buffer = ByteBuffer(bytes: frame)
        lastFrame = (frame, buffer)
        return buffer
    }
}

@available(*, unavailable)
extension LoopState: Sendable {}

/// What came of the run that is being told.
final class DeliveryTally {
    var bytes = 0
    /// Clients that were told.
    var subscribers = 0
    /// The same since the beginning.
    var total = 0
    /// Those of them that have an event stream.
    var events = 0
    /// Those of them that are told to poll.
    var pollers = Ledger.Push.nobody

    /// The most bytes that wait for one of them.
    var waiting = 0

    func take() -> (bytes: Int, subscribers: Int, events: Int, pollers: Ledger.Push, waiting: Int) {
        defer { (bytes, subscribers, events, pollers, waiting) = (0, 0, 0, .nobody, 0) }
        return (bytes, subscribers, events, pollers, waiting)
    }
}

extension [UInt8] {
    /// Whether both arrays are the same piece of memory; never true by chance, because both are alive.
    fileprivate func isSameStorage(as other: [UInt8]) -> Bool {
        withUnsafeBufferPointer { mine in
            other.withUnsafeBufferPointer { mine.baseAddress == $0.baseAddress && mine.count == $0.count }
        }
    }
}
