public import DoorbellCore

/// A table to be captured, and how.
public struct CapturedTable: Sendable, Hashable {
    public let name: QualifiedName
    public let mode: CaptureMode

    public init(_ name: QualifiedName, mode: CaptureMode = .row) {
        self.name = name
        self.mode = mode
    }
}
