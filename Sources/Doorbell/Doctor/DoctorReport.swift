public import DoorbellCore

/// What `doorbell doctor` found.
public struct DoctorReport: Sendable, Codable, Equatable {
    public var findings: [Finding]

    public init(findings: [Finding] = []) { self.findings = findings }

    /// The worst of them; `ok` when there are none.
    public var level: Finding.Level { findings.map(\.level).max() ?? .ok }

    /// For people: one line for each finding, below it why it matters and what to do; ends with a newline.
    public static func text(_ findings: [Finding]) -> String { findings.map(lines).joined() }

    /// For people, below ``text(_:)`` of all findings: how many there are of each level.
    public var summary: String {
        let counts = Finding.Level.allCases.reversed().compactMap { level in
            let count = findings.count { $0.level == level }
            return count == 0 ? nil : "\(count) \(level.rawValue)"
        }
        return "\n" + counts.joined(separator: ", ") + "\n"
    }

    private static func lines(_ finding: Finding) -> String {
        let level = finding.level.rawValue
        let indent = String(repeating: " ", count: 9)
        var text = level + String(repeating: " ", count: indent.count - level.count) + finding.text + "\n"
        if !finding.why.isEmpty { text += "\(indent)why:  \(finding.why)\n" }
        if !finding.mend.isEmpty { text += "\(indent)mend: \(finding.mend)\n" }
        return text
    }
}
