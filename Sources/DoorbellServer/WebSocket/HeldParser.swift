import DoorbellWire

/// A frame parser that a connection holds by reference, and only while something is unfinished.
final class HeldParser {
    var frames: WebSocketFrameParser

    init(_ frames: WebSocketFrameParser) { self.frames = frames }
}

@available(*, unavailable)
extension HeldParser: Sendable {}
