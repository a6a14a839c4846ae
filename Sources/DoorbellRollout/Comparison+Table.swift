internal import DoorbellReport

extension Comparison {
    /// The comparison as aligned text, one line a row, without colours; ends with a newline.
    public var table: String {
        let heads = [
            "feature", "path", "requests", "unchanged", "up", "down", "open", "staleness p50", "p95", "p99",
        ]
        let lines = [heads] + rows.map(Self.cells)
        let widths = heads.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { cells in
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                // Names to the left, figures to the right.
                return column < 2 ? cells[column] + space : space + cells[column]
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }

    private static func cells(_ row: Row) -> [String] {
        [
            row.feature, row.path.rawValue, String(row.requests),
            row.unchangedShare.map { Figures.decimal($0 * 100, places: 1) + " %" } ?? "-",
            Figures.bytes(row.bytesUp), Figures.bytes(row.bytesDown), row.path == .push ? String(row.connections) : "-",
            row.staleness.map { Figures.duration($0.p50) } ?? "-",
            row.staleness.map { Figures.duration($0.p95) } ?? "-",
            row.staleness.map { Figures.duration($0.p99) } ?? "-",
        ]
    }
}
