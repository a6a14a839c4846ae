import Metrics

/// What capture tells the metrics backend.
struct CaptureMetrics: Sendable {
    /// Seconds from the commit of the last delivered row, as the log knows it, to its delivery.
    let lag = Gauge(label: "doorbell_capture_lag_seconds")
    /// Rows that are kept for clients that come back. Set by the leader every few seconds.
    let outboxRows = Gauge(label: "doorbell_outbox_rows")
    /// How full PostgreSQL's notification queue is, 0 to 1. At 1, transactions that notify fail.
    let queueUsage = Gauge(label: "doorbell_pg_notify_queue_usage_ratio")
    /// Age of the oldest transaction that keeps old rows from being truncated, in seconds; 0 when there is none or we may
    /// not see it.
    let heldBack = Gauge(label: "doorbell_held_back_by_transaction_seconds")
    /// Ticks made by this process.
    let ticks = Counter(label: "doorbell_capture_ticks_total")
    /// Rows delivered by this process, replays included.
    let rows = Counter(label: "doorbell_capture_rows_total")
    /// Rows that could not be read as changes.
    let unreadable = Counter(label: "doorbell_capture_unreadable_total")
}
