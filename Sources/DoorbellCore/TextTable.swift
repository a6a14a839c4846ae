/// Columns for a terminal.
package enum TextTable {
    /// One line a row, aligned, without colours; ends with a newline. The first row has the heads.
    ///
    /// - Parameter names: How many columns from the left are names; the others are figures. Default: all are names.
    package static func text(_ rows: [[String]], names: Int = .max) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { cells in
            let padded = cells.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - cells[column].count)
                return column < names ? cells[column] + space : space + cells[column]
            }
            var line = padded.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line + "\n"
        }.joined()
    }
}
