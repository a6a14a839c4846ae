public import DoorbellCore

/// Which clients of a feature a percentage includes. Pure.
///
/// A client's bucket depends on the feature's name and on its own identity only: it is the same in every process, on every node and in
/// every release, so a client stays where it is, and a rising percentage only ever adds clients. Features have different ones, so that it
/// is not the same clients who try everything first.
public enum Cohort {
    public static let buckets = 10_000

    /// 0 to 9,999. Never to be changed: `CohortTests` holds values of it.
    public static func bucket(of member: CohortMember, in feature: String) -> Int {
        var hash = start
        for byte in feature.utf8 { add(byte, to: &hash) }
        add(0, to: &hash)
        for byte in member.key.utf8 { add(byte, to: &hash) }
        return Int(finished(hash).multipliedFullWidth(by: UInt64(buckets)).high)
    }

    /// A number in the place of a client's name, the same on every node. No secret: whoever has a name can make its number.
    public static func identity(of member: CohortMember) -> UInt64 {
        var hash = start
        for byte in member.key.utf8 { add(byte, to: &hash) }
        return finished(hash)
    }

    // FNV-1a with the finalizer of MurmurHash3, after which each bit depends on all of the input.
    private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

    private static func add(_ byte: UInt8, to hash: inout UInt64) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }

    private static func finished(_ hash: UInt64) -> UInt64 {
        var hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ (hash >> 33)) &* 0xC4CE_B9FE_1A85_EC53
        return hash ^ (hash >> 33)
    }

    /// Whether a client is told to use push.
    ///
    /// - Parameter member: Asked for only when it matters who it is.
    public static func usesPush(
        _ feature: Feature, stage: Stage, percent: Percent, member: () -> CohortMember
    ) -> Bool {
        guard stage >= .canary else { return false }
        let rule = feature.cohort
        let isEverybody = stage > .canary || percent == .all
        if isEverybody, rule.deny.isEmpty { return true }
        if stage == .canary, percent == .zero, rule.allow.isEmpty { return false }
        let member = member()
        if let name = member.name {
            if rule.deny.contains(name) { return false }
            if rule.allow.contains(name) { return true }
        }
        return isEverybody || bucket(of: member, in: feature.name) < percent.hundredths
    }
}
