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

    private static func quoted(_ text: String, by mark: String) -> String {
        mark + text.split(separator: mark, omittingEmptySubsequences: false).joined(separator: mark + mark) + mark
    }
}
