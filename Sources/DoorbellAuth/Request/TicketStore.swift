import Crypto
public import DoorbellCore
import NIOCore

/// Tickets that were handed out and have not come back. Pure.
///
/// A ticket stands for what was authenticated by other means, for a client that cannot send a header with its handshake. Each
/// is good for one use within ``TicketConfiguration/lifetime``. Only SHA-256 of each is kept, so nothing here is worth stealing;
/// and a look-up by that hash tells nothing about a ticket by the time it takes.
///
/// Bounded by ``TicketConfiguration/maximumTickets``; one more makes the oldest worthless.
public struct TicketStore<Grant: Sendable>: Sendable {
    public enum Redemption: Sendable {
        case granted(Grant)
        /// Never issued, used before, expired long ago, or pushed out.
        case unknown
        case expired
    }

    public let configuration: TicketConfiguration
    private var entries: [SHA256.Digest: (grant: Grant, expiresAt: Timestamp)] = [:]
    /// In the order of issue. May name tickets that have been redeemed.
    private var order = CircularBuffer<(digest: SHA256.Digest, expiresAt: Timestamp)>()

    /// Tickets that could be redeemed, but for those that have just expired.
    public var count: Int { entries.count }

    public init(_ configuration: TicketConfiguration = TicketConfiguration()) { self.configuration = configuration }

    /// - Returns: The ticket, which is to be shown to nobody but its user.
    public mutating func issue(_ grant: Grant, now: Timestamp) -> String {
        var generator = SystemRandomNumberGenerator()
        return issue(grant, now: now, using: &generator)
    }

    mutating func issue(
        _ grant: Grant, now: Timestamp, using generator: inout some RandomNumberGenerator
    ) -> String {
        prune(now: now)
        let ticket = Ticket.make(using: &generator)
        let digest = Self.digest(ticket)
        let expiresAt = now.advanced(by: configuration.lifetime)
        entries[digest] = (grant, expiresAt)
        order.append((digest, expiresAt))
        while order.count > max(configuration.maximumTickets, 1) { entries[order.removeFirst().digest] = nil }
        return ticket
    }

    public mutating func redeem(_ ticket: String, now: Timestamp) -> Redemption {
        guard Ticket.isWellFormed(ticket), let entry = entries.removeValue(forKey: Self.digest(ticket)) else {
            prune(now: now)
            return .unknown
        }
        prune(now: now)
        return now < entry.expiresAt ? .granted(entry.grant) : .expired
    }

    /// Forgets what has expired, and what was redeemed at the head of the queue.
    public mutating func prune(now: Timestamp) {
        while let oldest = order.first, oldest.expiresAt <= now || entries[oldest.digest] == nil {
            order.removeFirst()
            entries[oldest.digest] = nil
        }
    }

    private static func digest(_ ticket: String) -> SHA256.Digest { SHA256.hash(data: Array(ticket.utf8)) }
}

/// Bounds of ``TicketStore``.
public struct TicketConfiguration: Sendable {
    /// How long a ticket may be redeemed. 1 s to 10 min, default 30 s.
    public var lifetime: Duration = .seconds(30)
    /// Tickets that are kept. 1 to 1,000,000, default 100,000; the oldest leaves.
    public var maximumTickets = 100_000

    public init() {}

    /// What is wrong, as a sentence; `nil`: nothing.
    public var problem: String? {
        if lifetime < .seconds(1) || lifetime > .seconds(600) {
            return "the lifetime of tickets must be from 1s to 10m"
        }
        if !(1...1_000_000).contains(maximumTickets) { return "the number of tickets must be from 1 to 1000000" }
        return nil
    }
}
