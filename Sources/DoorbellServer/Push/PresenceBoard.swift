import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore

/// Presence on this node: event loops say who comes and goes, and are told at most once in ``interval``.
///
/// Ticks happen on one loop, and the next one is not arranged before every loop has told its watchers of the one before: so nothing is
/// overtaken, and a node that is busy tells less often.
final class PresenceBoard: Sendable {
    /// What the watchers of one channel are told.
    struct Told: Sendable {
        let channel: ChannelName
        let messages: [EncodedMessage]
    }

    private struct Life {
        var isStopped = false
        var next: Scheduled<Void>?
        /// The tick that is being told.
        var present: EventLoopFuture<Void>?
    }

    /// Tells the watchers of one event loop; succeeds when it has. Any thread.
    typealias Teller = @Sendable ([Told]) -> EventLoopFuture<Void>

    static let interval = TimeAmount.milliseconds(500)

    private let state = Locked(PresenceState())
    private let tellers = Locked<[Teller]>([])
    private let life = Locked(Life())
    /// Where ticks happen.
    private let loop: any EventLoop

    init(loop: any EventLoop) { self.loop = loop }

    func attach(_ teller: @escaping Teller) { tellers.withLock { $0.append(teller) } }

    func join(_ member: PresenceState.Member, _ channel: ChannelName) {
        if state.withLock({ $0.join(member, channel) }) { arrangeTick() }
    }

    func leave(_ session: String, _ channel: ChannelName) {
        if state.withLock({ $0.leave(session, channel) }) { arrangeTick() }
    }

    /// One watcher more; what it is told first.
    func watch(_ channel: ChannelName) -> PresenceState.Roll { state.withLock { $0.watch(channel) } }

    func unwatch(_ channel: ChannelName) { state.withLock { $0.unwatch(channel) } }

    func roll(of channel: ChannelName) -> PresenceState.Roll { state.withLock { $0.roll(of: channel) } }

    /// Nobody is told anything any more: the event loops may end.
    func stop() async {
        let present = life.withLock { life in
            life.isStopped = true
            life.next?.cancel()
            life.next = nil
            return life.present
        }
        try? await present?.get()
    }

    private func arrangeTick() {
        life.withLock { life in
            guard !life.isStopped else { return }
            life.next = loop.scheduleTask(in: Self.interval) { self.tick() }
        }
    }

    private func tick() {
        let present = loop.makePromise(of: Void.self)
        let isStopped = life.withLock { life in
            if !life.isStopped { life.present = present.futureResult }
            return life.isStopped
        }
        guard !isStopped else { return present.succeed() }
        let told = state.withLock { $0.tick() }.map { Told(channel: $0.channel, messages: Self.messages($0)) }
        let done = tellers.withLock { $0 }.map { $0(told) }
        EventLoopFuture.andAllComplete(done, on: loop).whenComplete { _ in
            self.life.withLock { $0.present = nil }
            present.succeed()
            if self.state.withLock({ $0.told() }) { self.arrangeTick() }
        }
    }

    // MARK: Messages

    static func message(_ roll: PresenceState.Roll, on channel: ChannelName, id: String?) -> EncodedMessage {
        ServerMessage.presence(
            .init(channel: channel, event: .state, members: roll.members.map(member), total: roll.total, id: id)
        ).encoded()
    }

    private static func messages(_ news: PresenceState.News) -> [EncodedMessage] {
        switch news.kind {
        case .roll(let roll): return [message(roll, on: news.channel, id: nil)]
        case .changes(let joined, let left):
            let parts: [(ServerMessage.Presence.Event, [PresenceState.Member])] = [(.join, joined), (.leave, left)]
            return parts.filter { !$0.1.isEmpty }.map { event, members in
                ServerMessage.presence(.init(channel: news.channel, event: event, members: members.map(member)))
                    .encoded()
            }
        }
    }

    private static func member(_ member: PresenceState.Member) -> ServerMessage.Presence.Member {
        .init(user: member.user, session: member.session)
    }
}
