public import Foundation

#if canImport(FoundationXML)
public import FoundationXML
#endif

/// Reads HTML that is written as XML, as strictly as XML is read.
public final class WellFormed: NSObject, XMLParserDelegate {
    /// Names of all elements, in the order of the file.
    public private(set) var elements: [String] = []
    /// Values of all attributes that hold an address.
    public private(set) var addresses: [String] = []
    /// All text between elements.
    public private(set) var text = ""
    /// What is wrong; `nil`: nothing.
    public private(set) var problem: String?

    public init(_ source: String) {
        super.init()
        let parser = XMLParser(data: Data(source.utf8))
        parser.delegate = self
        parser.shouldResolveExternalEntities = false
        if !parser.parse() {
            problem =
                "line \(parser.lineNumber), column \(parser.columnNumber): \(parser.parserError.map { "\($0)" } ?? "unknown")"
        }
    }

    public func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        elements.append(name)
        for (key, value) in attributes
        where ["src", "href", "xlink:href", "srcset", "action", "data", "poster"].contains(key) {
            addresses.append(value)
        }
    }

    public func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
}
