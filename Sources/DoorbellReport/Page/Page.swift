/// One file of HTML that needs nothing else: no script, no request to anywhere, readable on light and dark ground and on paper.
public struct Page: Sendable {
    public var title: String
    /// Below the title.
    public var subtitle: String
    /// The few figures that matter most.
    public var cards: [Card]
    public var sections: [Section]
    /// At the end, in small print.
    public var notes: [String]

    public init(title: String, subtitle: String, cards: [Card] = [], sections: [Section], notes: [String] = []) {
        self.title = title
        self.subtitle = subtitle
        self.cards = cards
        self.sections = sections
        self.notes = notes
    }

    public struct Card: Sendable {
        public var name: String
        public var figure: String
        public var text: String

        public init(_ name: String, figure: String, text: String) {
            self.name = name
            self.figure = figure
            self.text = text
        }
    }

    public struct Section: Sendable {
        public var heading: String
        /// Paragraphs.
        public var text: [String]
        public var content: [Content]

        public init(_ heading: String, text: [String] = [], content: [Content]) {
            self.heading = heading
            self.text = text
            self.content = content
        }
    }

    public enum Content: Sendable {
        /// A picture, with its table beside it where there is room.
        case figure(Markup, legend: Legend? = nil, caption: String, table: FigureTable? = nil)
        case table(FigureTable)
        case text(String)
        /// Folded until somebody opens it.
        case folded(String, FigureTable)
    }

    public var html: String {
        let head = Markup.element(
            "head", [:],
            [
                .element("meta", ["charset": "utf-8"]),
                .element("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
                .element("meta", ["name": "color-scheme", "content": "light dark"]),
                .element("title", [:], title), .style(PageStyle.sheet),
            ])
        let header = Markup.element(
            "header", [:], [.element("h1", [:], title), .element("p", ["class": "subtitle"], subtitle)])
        let cards = Markup.element(
            "dl", ["class": "cards"],
            self.cards.map { card in
                .element(
                    "div", ["class": "card"],
                    [
                        .element("dt", [:], card.name), .element("dd", ["class": "big"], card.figure),
                        .element("dd", [:], card.text),
                    ])
            })
        let sections = self.sections.map { section in
            Markup.element(
                "section", [:],
                [.element("h2", [:], section.heading)] + section.text.map { .element("p", [:], $0) }
                    + section.content.map(Self.html))
        }
        let notes = self.notes.isEmpty ? [] : [Markup.element("footer", [:], self.notes.map { .element("p", [:], $0) })]
        let body = Markup.element(
            "body", [:], [.element("main", [:], [header] + (self.cards.isEmpty ? [] : [cards]) + sections + notes)])
        return Markup.document(
            .element("html", ["lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"], [head, body]))
    }

    private static func html(_ content: Content) -> Markup {
        switch content {
        case .figure(let picture, let legend, let caption, let table):
            let figure = Markup.element(
                "figure", [:],
                (legend.map { $0.entries.count > 1 ? [$0.html] : [] } ?? []) + [
                    .element(
                        "div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption], [picture]),
                    .element("figcaption", [:], caption),
                ])
            guard let table else { return figure }
            return .element("div", ["class": "pair"], [figure, table.html])
        case .table(let table): return table.html
        case .text(let text): return .element("p", [:], text)
        case .folded(let summary, let table):
            return .element("details", [:], [.element("summary", [:], summary), table.html])
        }
    }
}
