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
            row.unchangedShare.map { decimal($0 * 100, places: 1) + " %" } ?? "-",
            bytes(row.bytesUp), bytes(row.bytesDown), row.path == .push ? String(row.connections) : "-",
            row.staleness.map { duration($0.p50) } ?? "-", row.staleness.map { duration($0.p95) } ?? "-",
            row.staleness.map { duration($0.p99) } ?? "-",
        ]
    }

    /// Decimal units, as networks are measured and billed.
    static func bytes(_ count: UInt64) -> String {
        var value = Double(count)
        if value < 1000 { return "\(count) B" }
        for unit in ["kB", "MB", "GB", "TB"] {
            value /= 1000
            if value < 999.95 { return decimal(value, places: 1) + " " + unit }
        }
        return decimal(value / 1000, places: 1) + " PB"
    }

    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.001: decimal(seconds * 1e6, places: 0) + " µs"
        case ..<1: decimal(seconds * 1e3, places: seconds < 0.01 ? 2 : 0) + " ms"
        case ..<120: decimal(seconds, places: 2) + " s"
        default: decimal(seconds / 60, places: 1) + " min"
        }
    }

    private static func decimal(_ value: Double, places: Int) -> String {
        let scale = (0..<places).reduce(1.0) { power, _ in power * 10 }
        let scaled = UInt64(max(0, (value * scale).rounded()))
        let whole = scaled / UInt64(scale)
        guard places > 0 else { return String(whole) }
        let rest = String(scaled % UInt64(scale))
        return "\(whole)." + String(repeating: "0", count: places - rest.count) + rest
    }
}
