/// Boxes and the arrows between them.
public struct Diagram: Sendable {
    public struct Box: Sendable {
        public var x: Double
        public var y: Double
        public var width: Double
        public var height: Double
        public var title: String
        public var lines: [String]
        public var tint: Tint

        public init(x: Double, y: Double, width: Double, height: Double, title: String, lines: [String], tint: Tint) {
            self.x = x
            self.y = y
            self.width = width
            self.height = height
            self.title = title
            self.lines = lines
            self.tint = tint
        }
    }

    /// Straight, from one place to another.
    public struct Arrow: Sendable {
        public var from: LinePlot.Point
        public var to: LinePlot.Point
        /// Above it.
        public var label: String
        public var tint: Tint

        public init(from: LinePlot.Point, to: LinePlot.Point, label: String, tint: Tint) {
            self.from = from
            self.to = to
            self.label = label
            self.tint = tint
        }
    }

    public var title: String
    public var description: String
    public var width: Double
    public var height: Double
    public var boxes: [Box]
    public var arrows: [Arrow]

    public init(title: String, description: String, width: Double, height: Double, boxes: [Box], arrows: [Arrow]) {
        self.title = title
        self.description = description
        self.width = width
        self.height = height
        self.boxes = boxes
        self.arrows = arrows
    }

    public var svg: Markup {
        let canvas = PlotCanvas(width: width, height: height)
        var parts: [Markup] = []
        for arrow in arrows {
            let (dx, dy) = (arrow.to.x - arrow.from.x, arrow.to.y - arrow.from.y)
            let length = max((dx * dx + dy * dy).squareRoot(), 1)
            let (ux, uy) = (dx / length, dy / length)
            parts.append(
                canvas.line(
                    arrow.from.x, arrow.from.y, arrow.to.x - ux * 8, arrow.to.y - uy * 8,
                    style: "flow \(arrow.tint.style)"))
            let corners = [(0.0, 0.0), (-10, 5), (-10, -5)].map { along, across in
                "\(canvas.number(arrow.to.x + along * ux - across * uy)),\(canvas.number(arrow.to.y + along * uy + across * ux))"
            }
            parts.append(
                .element("polygon", ["points": corners.joined(separator: " "), "class": "head \(arrow.tint.style)"]))
            let isUpright = abs(dx) < abs(dy)
            parts.append(
                canvas.text(
                    (arrow.from.x + arrow.to.x) / 2 + (isUpright ? 8 : 0),
                    (arrow.from.y + arrow.to.y) / 2 + (isUpright ? 4 : -8), arrow.label,
                    anchor: isUpright ? "start" : "middle", style: "flowlabel"))
        }
        for box in boxes {
            parts.append(
                .element(
                    "rect",
                    [
                        "x": canvas.number(box.x), "y": canvas.number(box.y), "width": canvas.number(box.width),
                        "height": canvas.number(box.height),
                        "rx": "8", "class": "box \(box.tint.style)",
                    ]))
            let room = Int((box.width - 24) / PlotCanvas.characterWidth)
            parts.append(
                canvas.text(
                    box.x + 14, box.y + 24, PlotCanvas.shortened(box.title, to: room), anchor: "start",
                    style: "boxtitle"))
            for (index, line) in box.lines.enumerated() {
                parts.append(
                    canvas.text(
                        box.x + 14, box.y + 44 + Double(index) * 17, PlotCanvas.shortened(line, to: room),
                        anchor: "start", style: "boxline"))
            }
        }
        return canvas.svg(title: title, description: description, style: "wide", parts)
    }
}
