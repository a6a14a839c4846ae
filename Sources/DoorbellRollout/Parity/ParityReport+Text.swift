internal import DoorbellCore

extension ParityReport {
    /// The overview as aligned text, one line a feature; ends with a newline.
    public var table: String {
        let heads = [
            "feature", "result", "callers", "polls", "changes", "told", "missed", "spurious", "quiet", "inconclusive",
        ]
        return TextTable.text([heads] + features.map(\.cells), names: 2)
    }
}

extension ParityReport.Feature {
    fileprivate var cells: [String] {
        [feature, assessment.rawValue, String(callers)]
            + [counts.compared, counts.changes, counts.told, counts.missed, counts.spurious, counts.quiet]
            .map { String($0) } + [String(counts.inconclusive)]
    }

    /// Everything about one feature as text, samples with their differences and bodies; ends with a newline.
    public var text: String {
        var text = ParityReport(features: [self]).table
        if let toldShare {
            let tenths = Int((toldShare * 1000).rounded(.down))
            text += "\nOf \(counts.changes) changes that polls showed, push told \(tenths / 10).\(tenths % 10) %.\n"
        }
        if !doubts.isEmpty {
            text += "\nInconclusive:\n"
            for (reason, count) in doubts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
                text += "  \(count)  \(reason)\n"
            }
        }
        if !ignored.isEmpty {
            text += "\nIgnored, because it changes by itself:\n" + ignored.map { "  \(Self.plain($0))\n" }.joined()
        }
        for sample in samples { text += "\n" + Self.text(sample) }
        return text
    }

    private static func text(_ sample: Parity.Sample) -> String {
        var lines = [
            "\(sample.verdict.rawValue): \(sample.reason)",
            "  GET \(sample.target)  on \(sample.channels.joined(separator: ", "))",
            "  after \(sample.after), asked at \(sample.asked), \(time(sample.at))",
        ]
        lines += sample.messages.map { "  message \($0)" }
        for difference in sample.differences {
            let note = difference.isNoise ? "  (noise)" : ""
            lines.append("  \(difference.path): \(difference.before ?? "-") → \(difference.after ?? "-")\(note)")
        }
        lines.append("  before: \(sample.before.shortened(to: 400))")
        if sample.body != sample.before { lines.append("  after:  \(sample.body.shortened(to: 400))") }
        return lines.map { plain($0) + "\n" }.joined()
    }

    /// Answers are what they are: nothing of them may move the cursor of a terminal.
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// `02:10:12 UTC`.
    private static func time(_ milliseconds: Int64) -> String {
        let seconds = max(0, milliseconds / 1000) % 86_400
        let parts = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { $0 < 10 ? "0\($0)" : String($0) }
        return parts.joined(separator: ":") + " UTC"
    }
}
