import Crypto
import DoorbellCore
import NIOCore

/// Tokens that were verified, remembered under their SHA-256, so that nothing here is worth stealing. Pure.
///
/// Bounded by count and by bytes of claims; the oldest leaves, and each leaves when it expires at the latest. Everything is
/// forgotten when keys change, because a key may have been withdrawn.
struct VerifiedTokens: Sendable {
    typealias Digest = SHA256.Digest

    private struct Entry {
        let identity: Identity
        let verifiedAt: Timestamp
    }

    private let maximumCount: Int
    private let maximumBytes: Int
    private var entries: [Digest: Entry] = [:]
    /// In the order of arrival; each digest of `entries` once.
    private var order = CircularBuffer<Digest>()
    private(set) var bytes = 0

    var count: Int { entries.count }

    init(maximumCount: Int, maximumBytes: Int) {
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
    }

    static func digest(of token: [UInt8]) -> Digest { SHA256.hash(data: token) }

    func find(_ digest: Digest, now: Timestamp) -> Identity? {
        // A clock that was set back may lie before the token's `nbf`.
        guard let entry = entries[digest], now < entry.identity.expiresAt, now >= entry.verifiedAt else { return nil }
        return entry.identity
    }

    mutating func insert(_ identity: Identity, _ digest: Digest, now: Timestamp) {
        let size = identity.claims.json.count
        guard maximumCount > 0, size <= maximumBytes else { return }
        if let old = entries.updateValue(Entry(identity: identity, verifiedAt: now), forKey: digest) {
            bytes -= old.identity.claims.json.count
        } else {
            order.append(digest)
        }
        bytes += size
        while let oldest = order.first, let entry = entries[oldest],
            entries.count > maximumCount || bytes > maximumBytes || entry.identity.expiresAt <= now
        {
            remove(oldest, entry)
        }
    }

    /// Forgets what has expired. Takes time in proportion to what is remembered.
    mutating func prune(now: Timestamp) {
        guard entries.values.contains(where: { $0.identity.expiresAt <= now }) else { return }
        for _ in 0..<order.count {
            let digest = order.removeFirst()
            guard let entry = entries[digest] else { continue }
            if entry.identity.expiresAt <= now {
                entries[digest] = nil
                bytes -= entry.identity.claims.json.count
            } else {
                order.append(digest)
            }
        }
    }

    mutating func removeAll() {
        entries.removeAll()
        order.removeAll()
        bytes = 0
    }

    private mutating func remove(_ digest: Digest, _ entry: Entry) {
        order.removeFirst()
        entries[digest] = nil
        bytes -= entry.identity.claims.json.count
    }
}
