/// Which colour is what, above a plot.
public struct Legend: Sendable {
    public struct Entry: Sendable {
        public var name: String
        public var tint: Tint
        public var isEstimate: Bool

        public init(_ name: String, _ tint: Tint, isEstimate: Bool = false) {
            self.name = name
            self.tint = tint
            self.isEstimate = isEstimate
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry]) { self.entries = entries }

    public var html: Markup {
        .element(
            "ul", ["class": "legend"],
            entries.map { entry in
                .element(
                    "li", [:],
                    [
                        .element(
                            "span",
                            [
                                "class": "swatch \(entry.tint.style)\(entry.isEstimate ? " estimate" : "")",
                                "aria-hidden": "true",
                            ]),
                        .text(entry.name),
                    ])
            })
    }
}
