import Foundation

/// Rows of text in aligned columns: the first to the left, the others to the right.
struct Table {
    let title: String
    let header: [String]
    private(set) var rows: [[String]] = []

    init(_ title: String, _ header: [String]) {
        self.title = title
        self.header = header
    }

    mutating func add(_ cells: [String]) { rows.append(cells) }

    var text: String {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            let padded = zip(cells, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column == 0 ? cell.0 + space : space + cell.0
            }
            return "  " + padded.joined(separator: "   ")
        }
        let rule = "  " + widths.map { String(repeating: "-", count: $0) }.joined(separator: "   ")
        return ([title, line(header), rule] + rows.map(line)).joined(separator: "\n")
    }

    /// Two digits behind the point for small numbers, none for large ones.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "-" }
        if abs(value) >= 100 { return String(format: "%.0f", value) }
        return String(format: abs(value) >= 10 ? "%.1f" : "%.2f", value)
    }
}
