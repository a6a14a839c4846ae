public import DoorbellCore
public import NIOCore

/// Keeps how far clients have got on at-least-once channels, for longer than any node lives.
public protocol CursorStore: Sendable {
    /// Where the cursor stands; where there is none, one begins at `start`, durably, before the answer. Never blocks.
    ///
    /// - Returns: Completes on `loop`; fails with ``WriteFailure``.
    func open(_ key: CursorKey, at start: Position, loop: any EventLoop) -> EventLoopFuture<OpenedCursor>

    /// Moves the cursor forward, soon. It never goes back. One that gets lost costs a redelivery. Never blocks.
    func acknowledge(_ key: CursorKey, _ position: Position)
}
