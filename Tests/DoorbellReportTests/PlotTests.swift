import DoorbellTestSupport
import Testing

@testable import DoorbellReport

/// Pictures are read back as strictly as XML is; a number that is none would be found as `nan` or `-`.
@Suite struct PlotTests {
    static let hostile: [Double] = [0, 1, -1, .nan, .infinity, -.infinity, 1e308, -1e308, .leastNonzeroMagnitude]
    static let name = "<script>alert('x')</script> & \"y\" \u{0}\u{1B}"

    func check(_ svg: Markup, contains words: String..., sourceLocation: SourceLocation = #_sourceLocation) {
        let reader = WellFormed(svg.source)
        #expect(reader.problem == nil, sourceLocation: sourceLocation)
        #expect(
            reader.elements.first == "svg" && reader.elements.dropFirst().starts(with: ["title", "desc"]),
            sourceLocation: sourceLocation)
        #expect(!reader.elements.contains("script"), sourceLocation: sourceLocation)
        for word in words { #expect(reader.text.contains(word), "\(word)", sourceLocation: sourceLocation) }
        for bad in ["\"nan", "\"inf", "\"-\"", ",-,", "NaN", "=\"-,"] {
            #expect(!svg.source.contains(bad), "\(bad)", sourceLocation: sourceLocation)
        }
    }

    func lines(_ series: [LinePlot.Series]) -> Markup {
        LinePlot(
            title: "T", description: "D", x: Axis("Time", .time, .time), y: Axis("Bytes", .bytesPerSecond),
            series: series
        ).svg
    }

    @Test("a line plot of nothing says so, one point is a dot, more are a line with its name at the end")
    func line() {
        check(lines([]), contains: "Nothing was counted.")
        check(lines([.init("empty", .before, points: [])]), contains: "Nothing was counted.")
        let dot = lines([.init("one", .before, points: [.init(0, 5)])])
        check(dot, contains: "one")
        #expect(dot.source.contains("<circle") && !dot.source.contains("<polyline"))
        let two = lines([
            .init("measured", .before, points: [.init(0, 5000), .init(3600, 7000)]),
            .init("estimated", .between, isEstimate: true, points: [.init(0, 1), .init(3600, 2)]),
        ])
        check(two, contains: "measured", "estimated", "8 kB/s", "00:30", "Bytes")
        #expect(two.source.contains("line t1 estimate"))
    }

    @Test("line plots take any number and any name")
    func hostileLines() {
        let points = Self.hostile.flatMap { x in Self.hostile.map { LinePlot.Point(x, $0) } }
        check(lines([.init(Self.name, .before, points: points), .init("", Tint(-7), points: [.init(.nan, .nan)])]))
    }

    @Test("bars have their sum behind them, and parts that are none or less are left out")
    func bars() {
        let axis = Axis("Cost", .money("USD"))
        check(BarPlot(title: "T", description: "D", axis: axis, bars: []).svg, contains: "Nothing was counted.")
        check(
            BarPlot(title: "T", description: "D", axis: axis, bars: [.init("zero", 0, .before)]).svg,
            contains: "Nothing was counted.")
        let two = BarPlot(
            title: "T", description: "D", axis: axis,
            bars: [
                .init("polls", parts: [.init("a", 10, .before), .init("b", 2.5, .after)]),
                .init("push", 1, .after, label: "one"),
            ])
        check(two.svg, contains: "polls", "USD 12.50", "one", "a: USD 10.00")
        #expect(WellFormed(two.svg.source).elements.filter { $0 == "rect" }.count == 3)
        let hostile = Self.hostile.map {
            BarPlot.Bar(Self.name, parts: [.init(Self.name, $0, .before), .init("", 1, .after)])
        }
        check(BarPlot(title: Self.name, description: Self.name, axis: axis, bars: hostile).svg)
    }

    @Test("a distribution rises from nothing to all")
    func distribution() {
        func plot(_ buckets: [DistributionPlot.Bucket], name: String = "polls") -> Markup {
            DistributionPlot(
                title: "T", description: "D", x: Axis("Late", .seconds, .logarithmic), y: Axis("Share", .share),
                series: [.init(name, .before, buckets: buckets)]
            ).svg
        }
        check(plot([]), contains: "Nothing was counted.")
        check(plot([.init(upTo: 1, count: 0)]), contains: "Nothing was counted.")
        check(
            plot([.init(upTo: 0.002, count: 3), .init(upTo: 3, count: 1)]), contains: "polls", "1 ms", "10 s", "95 %")
        check(plot(Self.hostile.map { .init(upTo: $0, count: .max) }, name: Self.name))
        check(plot([.init(upTo: 0, count: 5)]), contains: "polls")
    }

    @Test("boxes and arrows of a diagram keep their text within")
    func diagram() {
        let box = Diagram.Box(
            x: 0, y: 0, width: 100, height: 50, title: String(repeating: "long ", count: 20), lines: [Self.name],
            tint: .before)
        let arrow = Diagram.Arrow(from: .init(0, 0), to: .init(0, 0), label: Self.name, tint: .after)
        let picture = Diagram(title: "T", description: "D", width: 200, height: 100, boxes: [box], arrows: [arrow]).svg
        check(picture, contains: "long long …")
    }
}
