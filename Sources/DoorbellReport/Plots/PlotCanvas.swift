/// The ground of a plot: size, axes, grid, and the text of its SVG for those who do not see it.
struct PlotCanvas {
    var width = 720.0
    var height = 300.0
    var left = 84.0
    var right = 138.0
    var top = 14.0
    var bottom = 50.0

    /// Of a character of the 12 px font, about; text is never measured exactly.
    static let characterWidth = 6.7

    func scale(x axis: Axis, _ values: [Double]) -> Scale {
        Scale(axis.kind, covering: values, from: left, to: width - right)
    }
    func scale(y axis: Axis, _ values: [Double]) -> Scale {
        Scale(axis.kind, covering: values, from: height - bottom, to: top)
    }

    /// Lines and numbers of both axes.
    func axes(x: Axis, _ xScale: Scale, y: Axis, _ yScale: Scale, yTicks: [Double]? = nil) -> [Markup] {
        var parts: [Markup] = []
        for tick in yTicks ?? yScale.ticks {
            let place = yScale.place(tick)
            parts.append(line(left, place, width - right, place, style: "grid"))
            parts.append(text(left - 8, place + 4, y.tick(tick, yScale), anchor: "end", style: "tick"))
        }
        for tick in xScale.ticks {
            let place = xScale.place(tick)
            parts.append(line(place, top, place, height - bottom, style: "grid faint"))
            parts.append(text(place, height - bottom + 18, x.tick(tick, xScale), anchor: "middle", style: "tick"))
        }
        parts.append(line(left, height - bottom, width - right, height - bottom, style: "base"))
        parts.append(text((left + width - right) / 2, height - 8, x.label, anchor: "middle", style: "axis"))
        let middle = (top + height - bottom) / 2
        parts.append(
            .element(
                "text",
                [
                    "x": "0", "y": "0", "class": "axis", "text-anchor": "middle",
                    "transform": "translate(14 \(number(middle))) rotate(-90)",
                ],
                y.label))
        return parts
    }

    func svg(title: String, description: String, style: String? = nil, _ parts: [Markup]) -> Markup {
        .element(
            "svg",
            [
                "viewBox": "0 0 \(number(width)) \(number(height))", "width": number(width), "height": number(height),
                "role": "img",
                "class": style, "xmlns": "http://www.w3.org/2000/svg",
            ], [.element("title", [:], title), .element("desc", [:], description)] + parts)
    }

    /// In the place of a plot of nothing.
    func empty(title: String) -> Markup {
        var canvas = self
        canvas.height = 64
        return canvas.svg(
            title: title, description: "Nothing was counted.",
            [canvas.text(width / 2, 36, "Nothing was counted.", anchor: "middle", style: "tick")])
    }

    func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, style: String) -> Markup {
        .element("line", ["x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2), "class": style])
    }

    func text(_ x: Double, _ y: Double, _ text: String, anchor: String, style: String) -> Markup {
        .element("text", ["x": number(x), "y": number(y), "class": style, "text-anchor": anchor], text)
    }

    /// A coordinate, to a tenth.
    func number(_ value: Double) -> String {
        let text = Figures.decimal(value, places: 1)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// At most so many characters.
    static func shortened(_ text: String, to count: Int) -> String {
        text.count <= count ? text : text.prefix(max(1, count - 1)) + "…"
    }

    /// Moves places apart until each has `distance` to the next, within the bounds as far as they suffice; in the order given.
    static func spread(_ places: [Double], distance: Double, low: Double, high: Double) -> [Double] {
        var sorted = places.enumerated().sorted { $0.element < $1.element }
        for index in sorted.indices.dropFirst() {
            sorted[index].element = max(sorted[index].element, sorted[index - 1].element + distance)
        }
        var limit = high
        for index in sorted.indices.reversed() {
            sorted[index].element = max(low, min(sorted[index].element, limit))
            limit = sorted[index].element - distance
        }
        return sorted.sorted { $0.offset < $1.offset }.map(\.element)
    }
}
