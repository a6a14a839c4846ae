/// A table of a page.
public struct FigureTable: Sendable {
    /// Above it; none where a heading says it.
    public var caption: String?
    public var heads: [String]
    /// Each as long as the heads; the first cell of a row is its head.
    public var rows: [[String]]
    /// How many columns from the left are names; the others are figures, to the right.
    public var names: Int

    public init(caption: String? = nil, heads: [String], rows: [[String]], names: Int = 1) {
        self.caption = caption
        self.heads = heads
        self.rows = rows
        self.names = names
    }

    public var html: Markup {
        let caption = caption.map { [Markup.element("caption", [:], $0)] } ?? []
        let head = heads.enumerated().map { index, head in
            Markup.element("th", ["scope": "col", "class": style(index)], head)
        }
        let body = rows.map { row in
            Markup.element(
                "tr", [:],
                row.enumerated().map { index, cell in
                    index == 0 ? .element("th", ["scope": "row"], cell) : .element("td", ["class": style(index)], cell)
                })
        }
        let table = Markup.element(
            "table", [:], caption + [.element("thead", [:], [.element("tr", [:], head)]), .element("tbody", [:], body)])
        // Wide ones are moved sideways, with the keyboard, too.
        return .element(
            "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": self.caption ?? heads.first],
            [table])
    }

    private func style(_ column: Int) -> String? { column < names ? nil : "n" }
}
