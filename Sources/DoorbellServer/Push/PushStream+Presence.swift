import DoorbellAuth
import DoorbellCore
import DoorbellHub
import DoorbellWire
import NIOCore

/// What one client watches. Made when it first asks who is on a channel.
final class WatchedPresence {
    fileprivate(set) var channels: Set<ChannelName> = []
    /// Channels with something that was not told, because the client did not read. It is told everything when it does.
    fileprivate var stale: Set<ChannelName> = []
}

extension PushStream {
    private var member: PresenceState.Member {
        PresenceState.Member(user: session.identity?.subject, session: session.id)
    }

    /// The client is on `channel`, which is of a feature with presence.
    func arrived(on channel: ChannelName) { core.presence?.join(member, channel) }

    func departed(from channel: ChannelName) {
        guard let board = core.presence else { return }
        if let watched, watched.channels.remove(channel) != nil {
            watched.stale.remove(channel)
            loopState.presence.remove(self, channel)
            board.unwatch(channel)
        }
        board.leave(session.id, channel)
    }

    /// Tells who is there, and from then on who comes and goes.
    func watchPresence(of channel: ChannelName, id: String?) {
        guard let board = core.presence, state == .open else { return }
        let watched = watched ?? WatchedPresence()
        self.watched = watched
        let roll: PresenceState.Roll
        if watched.channels.insert(channel).inserted {
            loopState.presence.add(self, channel)
            roll = board.watch(channel)
        } else {
            roll = board.roll(of: channel)
        }
        append(carrier.encoded(PresenceBoard.message(roll, on: channel, id: id), position: nil))
    }

    func presenceChanged(_ told: PresenceBoard.Told) {
        guard state == .open, let watched, watched.channels.contains(told.channel) else { return }
        guard !watched.stale.contains(told.channel) else { return }
        let messages = told.messages.map { carrier.encoded($0, position: nil) }
        guard hasRoom(for: messages.reduce(0) { $0 + $1.count }) else {
            watched.stale.insert(told.channel)
            // Where only the queue is full, no socket that becomes writable follows.
            let bound = NIOLoopBound(self, eventLoop: channel.eventLoop)
            channel.eventLoop.execute { bound.value.catchUpPresence() }
            return
        }
        for message in messages { append(message) }
        flush()
    }

    /// The socket takes bytes again: who could not be told of changes is told what holds.
    func catchUpPresence() {
        guard let watched, !watched.stale.isEmpty, let board = core.presence else { return }
        flush()
        for channel in watched.stale {
            guard state == .open, self.channel.isWritable else { return }
            watched.stale.remove(channel)
            append(carrier.encoded(PresenceBoard.message(board.roll(of: channel), on: channel, id: nil), position: nil))
            flush()
        }
    }
}

@available(*, unavailable)
extension WatchedPresence: Sendable {}
