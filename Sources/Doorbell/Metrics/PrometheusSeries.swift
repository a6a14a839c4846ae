/// A metric name with its labels, spelt once.
struct PrometheusSeries: Sendable {
    let name: String
    /// `a="1",b="2"`, escaped, or empty.
    let key: String

    init(name: String, labels: [(String, String)]) {
        self.name = name
        self.key = labels.map { "\($0.0)=\"\(Self.escape($0.1))\"" }.joined(separator: ",")
    }

    private static func escape(_ value: String) -> String {
        var escaped = ""
        for character in value {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    /// `name_suffix{labels,extra} value`, with a line end.
    func sample(_ suffix: String = "", _ extra: String = "", _ value: String) -> String {
        let labels = key.isEmpty || extra.isEmpty ? key + extra : key + "," + extra
        return "\(name)\(suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n"
    }
}

/// Something that prints its samples.
protocol PrometheusInstrument: AnyObject, Sendable {
    /// The value now; `nil`: it has more than one.
    var reading: Double? { get }
    func write(to text: inout String)
}
