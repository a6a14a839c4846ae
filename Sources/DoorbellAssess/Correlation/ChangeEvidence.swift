/// Whether the answers of an endpoint change when a table does: pairs of polls of one client, and what happened between the two. Pure.
public struct ChangeEvidence: Sendable, Equatable {
    public enum Verdict: String, Sendable { case supports, contradicts, undecided }

    /// Pairs of polls.
    public var pairs: Int
    /// Those whose answers differ.
    public var changed: Int
    /// Those between which the table changed.
    public var tableChanged: Int
    /// Both.
    public var both: Int

    public init(pairs: Int, changed: Int, tableChanged: Int, both: Int) {
        self.pairs = pairs
        self.changed = changed
        self.tableChanged = tableChanged
        self.both = both
    }

    /// Changed answers that came after a change of the table, 0 to 1, and how many would by chance.
    var coverage: Double { changed > 0 ? Double(both) / Double(changed) : 0 }
    var chance: Double { pairs > 0 ? Double(tableChanged) / Double(pairs) : 0 }

    /// Ten changed answers at least. A table that changes all the time says nothing, so its share has to be three standard deviations above chance.
    public var verdict: Verdict {
        guard changed >= 10 else { return .undecided }
        if coverage < 0.5 { return .contradicts }
        let deviation = (chance * (1 - chance) / Double(changed)).squareRoot()
        return coverage >= 0.9 && coverage - chance > 3 * deviation && chance < 1 ? .supports : .undecided
    }

    /// Whether no answer changed without it: what `rows` would tell is all that there is to tell.
    public var isExclusive: Bool { verdict == .supports && changed >= 20 && coverage >= 0.98 }

    /// A sentence about the table.
    var text: String {
        "\(Format.count(both)) of \(Format.count(changed)) changed answers came after a change of it, "
            + "\(Format.percent(chance)) would by chance"
    }
}
