/// Bars from the left, each of one or several parts.
public struct BarPlot: Sendable {
    public struct Bar: Sendable {
        public var name: String
        public var parts: [Part]
        /// Behind the bar; `nil`: its sum.
        public var label: String?
        /// Hatched.
        public var isEstimate: Bool

        public init(_ name: String, isEstimate: Bool = false, label: String? = nil, parts: [Part]) {
            self.name = name
            self.isEstimate = isEstimate
            self.label = label
            self.parts = parts
        }

        /// Of one part.
        public init(_ name: String, _ value: Double, _ tint: Tint, isEstimate: Bool = false, label: String? = nil) {
            self.init(name, isEstimate: isEstimate, label: label, parts: [Part("", value, tint)])
        }

        var sum: Double { parts.reduce(0) { $0 + ($1.value.isFinite ? max(0, $1.value) : 0) } }
    }

    public struct Part: Sendable {
        public var name: String
        public var value: Double
        public var tint: Tint

        public init(_ name: String, _ value: Double, _ tint: Tint) {
            self.name = name
            self.value = value
            self.tint = tint
        }
    }

    public var title: String
    public var description: String
    public var axis: Axis
    public var bars: [Bar]

    public init(title: String, description: String, axis: Axis, bars: [Bar]) {
        self.title = title
        self.description = description
        self.axis = axis
        self.bars = bars
    }

    public var svg: Markup {
        let names = bars.map { PlotCanvas.shortened($0.name, to: 30) }
        let longest = Double(names.map(\.count).max() ?? 0) * PlotCanvas.characterWidth
        let thickness = 22.0
        let pitch = 34.0
        let canvas = PlotCanvas(
            height: 70 + Double(max(1, bars.count)) * pitch, left: max(60, longest + 18), right: 110, top: 8, bottom: 52
        )
        guard bars.contains(where: { $0.sum > 0 }) else { return canvas.empty(title: title) }
        let scale = canvas.scale(x: axis, bars.map(\.sum))
        var parts: [Markup] = []
        for tick in scale.ticks {
            let place = scale.place(tick)
            parts.append(canvas.line(place, canvas.top, place, canvas.height - canvas.bottom, style: "grid"))
            parts.append(
                canvas.text(
                    place, canvas.height - canvas.bottom + 18, axis.tick(tick, scale), anchor: "middle", style: "tick"))
        }
        parts.append(
            canvas.text(
                (canvas.left + canvas.width - canvas.right) / 2, canvas.height - 8, axis.label, anchor: "middle",
                style: "axis"))
        for (index, bar) in bars.enumerated() {
            let y = canvas.top + 6 + Double(index) * pitch
            parts.append(
                canvas.text(canvas.left - 10, y + thickness / 2 + 4, names[index], anchor: "end", style: "name"))
            var sum = 0.0
            for part in bar.parts where part.value.isFinite && part.value > 0 {
                let from = scale.place(sum)
                sum += part.value
                parts.append(
                    .element(
                        "rect",
                        [
                            "x": canvas.number(from), "y": canvas.number(y),
                            "width": canvas.number(max(1, scale.place(sum) - from)),
                            "height": canvas.number(thickness),
                            "class": "bar \(part.tint.style)\(bar.isEstimate ? " estimate" : "")",
                        ],
                        part.name.isEmpty ? [] : [.element("title", [:], "\(part.name): \(axis.unit.text(part.value))")]
                    ))
            }
            let label = bar.label ?? axis.unit.text(bar.sum)
            parts.append(
                canvas.text(scale.place(sum) + 8, y + thickness / 2 + 4, label, anchor: "start", style: "value"))
        }
        parts.append(canvas.line(canvas.left, canvas.top, canvas.left, canvas.height - canvas.bottom, style: "base"))
        return canvas.svg(title: title, description: description, parts)
    }
}
