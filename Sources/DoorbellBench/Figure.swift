/// One number of a run.
struct Figure: Codable, Sendable {
    enum Target: Codable, Sendable {
        case atLeast(Double)
        case atMost(Double)

        func isMet(by value: Double) -> Bool {
            switch self {
            case .atLeast(let bound): value >= bound
            case .atMost(let bound): value <= bound
            }
        }

        var text: String {
            switch self {
            case .atLeast(let bound): "≥ \(Table.number(bound))"
            case .atMost(let bound): "≤ \(Table.number(bound))"
            }
        }
    }

    let section: String
    let name: String
    let value: Double
    let target: Target?

    init(_ section: String, _ name: String, _ value: Double, _ target: Target? = nil) {
        self.section = section
        self.name = name
        self.value = value
        self.target = target
    }

    var isMet: Bool { target?.isMet(by: value) ?? true }

    /// The value as a table cell; one that misses its target is marked.
    var cell: String { Table.number(value) + (isMet ? "" : " !") }
}
