import DoorbellCore

/// Moments at which members have to be looked at, to half a second. Pure.
///
/// Kept by moment, so that looking costs a step for each different moment, and thousands need no timer each. Bounded by the members: one
/// moment for each.
struct DeadlineTable<Member: AnyObject> {
    /// Microseconds.
    private static var unit: Int64 { 500_000 }

    /// By number of units since 1970, rounded up: never too early.
    private var moments: [Int64: [ObjectIdentifier: Member]] = [:]
    private var units: [ObjectIdentifier: Int64] = [:]

    var isEmpty: Bool { units.isEmpty }

    /// - Parameter moment: `nil`: never.
    mutating func set(_ member: Member, at moment: Timestamp?) {
        let id = ObjectIdentifier(member)
        if let old = units.removeValue(forKey: id) {
            moments[old]?[id] = nil
            if moments[old]?.isEmpty == true { moments[old] = nil }
        }
        guard let moment else { return }
        let unit = (moment.microseconds + Self.unit - 1) / Self.unit
        units[id] = unit
        moments[unit, default: [:]][id] = member
    }

    /// Takes those out whose moment has come.
    mutating func due(now: Timestamp) -> [Member] {
        let unit = now.microseconds / Self.unit
        return moments.keys.filter { $0 <= unit }.flatMap { key -> [Member] in
            let members = moments.removeValue(forKey: key) ?? [:]
            for id in members.keys { units[id] = nil }
            return Array(members.values)
        }
    }
}
