import Foundation

/// What a run has found: printed as it comes, and written as JSON at the end.
struct Report {
    private(set) var figures: [Figure] = []
    private var remarks: [String] = []

    mutating func add(_ some: Figure...) { figures += some }

    /// Something that belongs to the result.
    mutating func say(_ remark: String) {
        remarks.append(remark)
        Self.output(remark)
    }

    func show(_ table: Table) { Self.output("\n" + table.text + "\n") }

    func printSummary() {
        let bound = figures.filter { $0.target != nil }
        guard !bound.isEmpty else { return }
        let missed = bound.filter { !$0.isMet }
        Self.output("\(bound.count - missed.count) of \(bound.count) targets met")
        for figure in missed {
            Self.output(
                "  missed: \(figure.section), \(figure.name): \(Table.number(figure.value)), "
                    + "target \(figure.target?.text ?? "")")
        }
    }

    private struct File: Codable {
        let figures: [Figure]
        let remarks: [String]
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(File(figures: figures, remarks: remarks)).write(to: URL(fileURLWithPath: path))
    }

    /// A line for whoever waits.
    static func progress(_ line: String) { FileHandle.standardError.write(Data("… \(line)\n".utf8)) }

    private static func output(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }
}
