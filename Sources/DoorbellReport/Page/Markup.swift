/// HTML or SVG that is well-formed by construction: text is escaped, and every element is closed. It can be read as XML, too.
public struct Markup: Sendable, Hashable {
    /// To be written as it is.
    public private(set) var source: String

    private init(source: String) { self.source = source }

    public static let nothing = Markup(source: "")

    /// Text with `& < > " '` escaped; characters that XML does not know are left out.
    public static func text(_ text: String) -> Markup { Markup(source: escape(text)) }

    /// One element.
    ///
    /// - Parameters:
    ///   - name: Of the element; written as it is.
    ///   - attributes: Names are written as they are, values escaped; those of `nil` are left out.
    public static func element(
        _ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ content: [Markup] = []
    ) -> Markup {
        var source = "<" + name
        for case (let key, let value?) in attributes { source += " \(key)=\"\(escape(value))\"" }
        if content.isEmpty, isVoid(name) { return Markup(source: source + "/>") }
        source += ">"
        for part in content { source += part.source }
        return Markup(source: source + "</\(name)>")
    }

    /// The same with text in it.
    public static func element(_ name: String, _ attributes: KeyValuePairs<String, String?> = [:], _ text: String)
        -> Markup
    {
        element(name, attributes, [.text(text)])
    }

    public static func group(_ parts: [Markup]) -> Markup { Markup(source: parts.map(\.source).joined()) }

    /// A style sheet of ours; never of anybody else's text.
    static func style(_ sheet: StaticString) -> Markup { Markup(source: "<style>\(sheet)</style>") }

    /// A whole document.
    static func document(_ html: Markup) -> String { "<!DOCTYPE html>\n" + html.source + "\n" }

    /// HTML lets no other element be written without an end.
    private static func isVoid(_ name: String) -> Bool {
        ["meta", "br", "hr", "line", "rect", "path", "circle", "polyline", "polygon", "use"].contains(name)
    }

    private static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            case "\t", "\n": result.unicodeScalars.append(scalar)
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": continue
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
