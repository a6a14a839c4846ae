import Metrics

/// What the writer tells the metrics backend.
struct WriterMetrics: Sendable {
    /// Direct messages of clients: written, and not (refused, too late, or of unknown fate).
    let published = Counter(label: "doorbell_published_total", dimensions: [("result", "published")])
    let notPublished = Counter(label: "doorbell_published_total", dimensions: [("result", "failed")])
    /// Cursors that were moved by a statement.
    let cursorsMoved = Counter(label: "doorbell_cursor_writes_total", dimensions: [("result", "written")])
    /// Cursors of statements that failed; they are tried again.
    let cursorsFailed = Counter(label: "doorbell_cursor_writes_total", dimensions: [("result", "failed")])
    /// Acknowledgements for which there was no room.
    let dropped = Counter(label: "doorbell_cursor_writes_total", dimensions: [("result", "dropped")])
}
