/// How values are distributed: for each value, the share that is at most that; the values on a logarithmic axis.
public struct DistributionPlot: Sendable {
    public struct Series: Sendable {
        public var name: String
        public var tint: Tint
        public var buckets: [Bucket]

        public init(_ name: String, _ tint: Tint, buckets: [Bucket]) {
            self.name = name
            self.tint = tint
            self.buckets = buckets
        }
    }

    /// So many values, at most `upTo` and more than the bucket before.
    public struct Bucket: Sendable, Hashable {
        public var upTo: Double
        public var count: UInt64

        public init(upTo: Double, count: UInt64) {
            self.upTo = upTo
            self.count = count
        }
    }

    public var title: String
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
        let canvas = PlotCanvas(right: 24)
        let shown = series.map { ($0, Self.shares($0.buckets)) }.filter { !$0.1.isEmpty }
        guard !shown.isEmpty else { return canvas.empty(title: title) }
        let xScale = canvas.scale(x: x, shown.flatMap { $0.1.map(\.x) })
        let yScale = Scale(.linear, covering: [0, 1], from: canvas.height - canvas.bottom, to: canvas.top)
        var parts = canvas.axes(x: x, xScale, y: y, yScale, yTicks: [0, 0.25, 0.5, 0.75, 0.95, 1])
        for (one, shares) in shown {
            let path =
                shares.map { "\(canvas.number(xScale.place($0.x))),\(canvas.number(yScale.place($0.y)))" } + [
                    "\(canvas.number(canvas.width - canvas.right)),\(canvas.number(yScale.place(1)))"
                ]
            parts.append(
                .element("polyline", ["points": path.joined(separator: " "), "class": "line \(one.tint.style)"]))
        }
        for (index, (one, shares)) in shown.enumerated() {
            // Each at a height of its own, beside its curve.
            let height = [0.5, 0.28, 0.7, 0.12, 0.84, 0.4][index % 6]
            let place = xScale.place(shares.first { $0.y >= height }?.x ?? 0)
            let width = Double(one.name.count) * PlotCanvas.characterWidth
            let fits = place + 10 + width < canvas.width - canvas.right
            parts.append(
                canvas.text(
                    place + (fits ? 10 : -10), yScale.place(height) + 4, one.name, anchor: fits ? "start" : "end",
                    style: "label \(one.tint.style)"))
        }
        return canvas.svg(title: title, description: description, parts)
    }

    /// Values and the share of all that is at most that, from nothing to all.
    private static func shares(_ buckets: [Bucket]) -> [LinePlot.Point] {
        let sorted = buckets.filter { $0.upTo.isFinite && $0.count > 0 }.sorted { $0.upTo < $1.upTo }
        let all = sorted.reduce(0.0) { $0 + Double($1.count) }
        guard let first = sorted.first, all > 0 else { return [] }
        var sum = 0.0
        return [LinePlot.Point(max(first.upTo, 1e-9) * 0.8, 0)]
            + sorted.map { bucket in
                sum += Double(bucket.count)
                return LinePlot.Point(max(bucket.upTo, 1e-9), sum / all)
            }
    }
}
