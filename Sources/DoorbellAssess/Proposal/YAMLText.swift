/// Values and comments of a configuration, so that nothing that a database or a log says can be taken for something else. Pure.
enum YAMLText {
    private static let words: Set<String> = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]

    /// Plain where that is safe, else in quotes. `${` is written so that it stands for itself.
    static func scalar(_ text: String) -> String {
        let isPlain =
            text.first.map { $0.isASCII && ($0.isLetter || $0 == "_" || $0 == "/") } == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/{}_-.?=&%~@+: ".contains($0)) }
            && !text.contains(": ") && text.last != ":" && text.last != " " && !words.contains(text.lowercased())
        return isPlain ? text : quoted(text)
    }

    /// Letters, digits and underscores, no digit first.
    static func isName(_ text: String) -> Bool {
        text.first.map { $0.isASCII && ($0.isLetter || $0 == "_") } == true
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
    }

    /// An element of a list in brackets.
    static func element(_ text: String) -> String {
        isName(text) && !words.contains(text.lowercased()) ? text : quoted(text)
    }

    private static func quoted(_ text: String) -> String {
        let text = text.split(separator: "${", omittingEmptySubsequences: false).joined(separator: "$${")
        guard text.unicodeScalars.contains(where: isControl) else {
            return "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
        }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            } else {
                if scalar == "\"" || scalar == "\\" { quoted += "\\" }
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// One line, whatever it is made of.
    static func comment(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? " " : $0 }))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .format, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
