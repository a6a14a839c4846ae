/// Lines over something, most often over the time.
public struct LinePlot: Sendable {
    public struct Series: Sendable {
        public var name: String
        public var tint: Tint
        /// Dashed.
        public var isEstimate: Bool
        public var points: [Point]

        /// - Parameter points: In the order of their `x`.
        public init(_ name: String, _ tint: Tint, isEstimate: Bool = false, points: [Point]) {
            self.name = name
            self.tint = tint
            self.isEstimate = isEstimate
            self.points = points
        }
    }

    public struct Point: Sendable, Hashable {
        public var x: Double
        public var y: Double

        public init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }

    public var title: String
    /// What there is to see, for those who do not see it.
    public var description: String
    public var x: Axis
    public var y: Axis
    public var series: [Series]

    public init(title: String, description: String, x: Axis, y: Axis, series: [Series]) {
        self.title = title
        self.description = description
        self.x = x
        self.y = y
        self.series = series
    }

    public var svg: Markup {
        let canvas = PlotCanvas()
        let shown: [Series] = series.compactMap { one in
            var one = one
            one.points = one.points.filter { $0.x.isFinite && $0.y.isFinite }
            return one.points.isEmpty ? nil : one
        }
        guard !shown.isEmpty else { return canvas.empty(title: title) }
        let xScale = canvas.scale(x: x, shown.flatMap { $0.points.map(\.x) })
        let yScale = canvas.scale(y: y, shown.flatMap { $0.points.map(\.y) })
        var parts = canvas.axes(x: x, xScale, y: y, yScale)
        let ground = canvas.height - canvas.bottom
        for one in shown {
            let places = one.points.map { (xScale.place($0.x), yScale.place($0.y)) }
            let path = places.map { "\(canvas.number($0.0)),\(canvas.number($0.1))" }.joined(separator: " ")
            let dash = one.isEstimate ? " estimate" : ""
            if places.count == 1 {
                parts.append(
                    .element(
                        "circle",
                        [
                            "cx": canvas.number(places[0].0), "cy": canvas.number(places[0].1), "r": "4",
                            "class": "dot \(one.tint.style)",
                        ]))
            } else {
                if !one.isEstimate {
                    let area =
                        "\(canvas.number(places[0].0)),\(canvas.number(ground)) \(path) \(canvas.number(places[places.count - 1].0)),\(canvas.number(ground))"
                    parts.append(.element("polygon", ["points": area, "class": "area \(one.tint.style)"]))
                }
                parts.append(.element("polyline", ["points": path, "class": "line \(one.tint.style)\(dash)"]))
            }
        }
        let ends = shown.map { yScale.place($0.points[$0.points.count - 1].y) }
        let labels = PlotCanvas.spread(ends, distance: 15, low: canvas.top + 6, high: ground)
        for (one, place) in zip(shown, labels) {
            let name = PlotCanvas.shortened(one.name, to: Int((canvas.right - 12) / PlotCanvas.characterWidth))
            parts.append(
                canvas.text(
                    canvas.width - canvas.right + 8, place + 4, name, anchor: "start", style: "label \(one.tint.style)")
            )
        }
        return canvas.svg(title: title, description: description, parts)
    }
}
