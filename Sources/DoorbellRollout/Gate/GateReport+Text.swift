internal import DoorbellCore
internal import DoorbellReport

extension GateReport {
    /// The last checks as aligned text, one line a gate; ends with a newline.
    public var table: String {
        guard !gates.isEmpty else { return "no feature has a gate\n" }
        let rows = gates.map { gate in
            [
                gate.feature, gate.stage, gate.last?.verdict.rawValue ?? "-", gate.last?.action.rawValue ?? "-",
                gate.isDeciding ? Figures.duration(gate.nextCheck) : "another node", gate.last?.reason ?? "-",
            ]
        }
        return TextTable.text([["feature", "stage", "last check", "action", "next check", "why"]] + rows, names: 6)
    }

    /// What each gate would do now, with every condition; ends with a newline.
    public var explanation: String {
        gates.isEmpty ? table : gates.map(\.explanation).joined(separator: "\n")
    }
}

extension GateReport.Entry {
    fileprivate var explanation: String {
        let does =
            switch now.action {
            case .promote: "would move to \(now.to ?? "-")"
            case .rollback: "would roll back to \(now.to ?? "-")"
            case .hold: "would stay"
            }
        var text = "\(feature): \(stage), \(does): \(now.verdict.rawValue), \(now.reason)\n"
        for check in now.checks {
            let result = check.result.rawValue
            text += "  \(result)\(String(repeating: " ", count: max(0, 7 - result.count)))\(check.text)\n"
        }
        let since = Figures.duration(now.evidence.seconds)
        text +=
            isDeciding
            ? "  from the last \(since); next check in \(Figures.duration(nextCheck))\n"
            : "  from the last \(since) on this node; another node decides\n"
        return text
    }
}
