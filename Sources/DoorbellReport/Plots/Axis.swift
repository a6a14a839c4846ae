/// What a direction of a plot means.
public struct Axis: Sendable, Hashable {
    /// With the unit, where numbers alone would not say it.
    public var label: String
    public var unit: Unit
    public var kind: Scale.Kind

    public init(_ label: String, _ unit: Unit, _ kind: Scale.Kind = .linear) {
        self.label = label
        self.unit = unit
        self.kind = kind
    }

    func tick(_ value: Double, _ scale: Scale) -> String {
        kind == .time ? Moment.tick(value, step: scale.step) : unit.tick(value)
    }
}
