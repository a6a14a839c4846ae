/// Writes names and values into statements that cannot have parameters.
enum SQL {
    static func identifier(_ name: String) -> String { quoted(name, by: "\"") }

    static func literal(_ text: String) -> String {
        text.contains("\\")
            ? "E"
                + quoted(
                    text.split(separator: "\\", omittingEmptySubsequences: false)
                        .joined(separator: "\\\\"), by: "'") : quoted(text, by: "'")
    }

    /// A one-dimensional array as the text of a parameter; `nil` is NULL.
    static func array(_ elements: [String?]) -> String {
        var text = "{"
        for element in elements {
            if text.utf8.count > 1 { text += "," }
            guard let element else {
                text += "NULL"
                continue
            }
            text += "\""
            for scalar in element.unicodeScalars {
                if scalar == "\"" || scalar == "\\" { text += "\\" }
                text.unicodeScalars.append(scalar)
            }
            text += "\""
        }
        return text + "}"
    }

    private static func quoted(_ text: String, by mark: String) -> String {
        mark + text.split(separator: mark, omittingEmptySubsequences: false).joined(separator: mark + mark) + mark
    }
}
