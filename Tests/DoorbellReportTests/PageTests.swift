import DoorbellTestSupport
import Testing

@testable import DoorbellReport

@Suite struct PageTests {
    @Test("text and attributes are escaped, and what XML does not know is left out")
    func escaping() {
        #expect(Markup.text("<a href='x'>&\"\u{0}\u{B}é").source == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;é")
        #expect(Markup.element("p", ["class": "a\"b", "id": nil], "<").source == "<p class=\"a&quot;b\">&lt;</p>")
        #expect(Markup.element("br").source == "<br/>" && Markup.element("span").source == "<span></span>")
    }

    @Test("a page is one file that is well-formed, names no other, and has no script")
    func page() {
        let hostile = "<script>x</script>&]]>"
        let plot = LinePlot(
            title: hostile, description: hostile, x: Axis(hostile, .count), y: Axis(hostile, .count),
            series: [.init(hostile, .before, points: [.init(0, 1), .init(1, 2)])])
        let table = FigureTable(caption: hostile, heads: [hostile, "n"], rows: [[hostile, "1"], []])
        let page = Page(
            title: hostile, subtitle: hostile, cards: [.init(hostile, figure: hostile, text: hostile)],
            sections: [
                .init(
                    hostile, text: [hostile],
                    content: [
                        .figure(plot.svg, legend: Legend([.init(hostile, .before)]), caption: hostile, table: table),
                        .table(table),
                        .text(hostile), .folded(hostile, table),
                    ])
            ], notes: [hostile])
        let reader = WellFormed(page.html)
        #expect(reader.problem == nil)
        #expect(!reader.elements.contains("script") && reader.addresses.isEmpty)
        #expect(page.html.hasPrefix("<!DOCTYPE html>\n<html"))
        #expect(!page.html.contains("url(") && !page.html.contains("@import"))
        for name in ["h1", "h2", "figure", "svg", "figcaption", "table", "caption", "details", "footer"] {
            #expect(reader.elements.contains(name), "\(name)")
        }
        #expect(WellFormed(Page(title: "", subtitle: "", sections: []).html).problem == nil)
    }
}
