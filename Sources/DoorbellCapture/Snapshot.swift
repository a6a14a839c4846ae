/// Which transactions a moment in the database sees: PostgreSQL's `pg_snapshot`, `xmin:xmax:xip,xip,…`.
struct Snapshot: Hashable, Sendable {
    /// Everything before it has ended.
    let xmin: UInt64
    /// Nothing from it on had started.
    let xmax: UInt64
    /// Between the two and not yet ended, ascending. At most one for each connection of the server.
    let running: [UInt64]

    /// `nil` for anything that PostgreSQL would not have written.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let xmin = UInt64(parts[0]), let xmax = UInt64(parts[1]), xmin <= xmax else {
            return nil
        }
        var running: [UInt64] = []
        for digits in parts[2].split(separator: ",") {
            guard let xid = UInt64(digits), xid >= xmin, xid < xmax, xid > running.last ?? 0 else { return nil }
            running.append(xid)
        }
        self.xmin = xmin
        self.xmax = xmax
        self.running = running
    }

    /// Whether what `xid` wrote was there, if `xid` has committed at all.
    func sees(_ xid: UInt64) -> Bool {
        if xid < xmin { return true }
        if xid >= xmax { return false }
        var (low, high) = (0, running.count)
        while low < high {
            let middle = (low + high) / 2
            if running[middle] < xid { low = middle + 1 } else { high = middle }
        }
        return low == running.count || running[low] != xid
    }

    /// The running ones as PostgreSQL's array text.
    var runningArray: String { "{" + running.map(String.init).joined(separator: ",") + "}" }
}

extension Snapshot: CustomStringConvertible {
    var description: String { "\(xmin):\(xmax):" + running.map(String.init).joined(separator: ",") }
}
