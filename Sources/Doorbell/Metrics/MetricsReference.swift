/// Every metric of the service with one line on what it means: what `/metrics` prints as help and README lists.
public enum MetricsReference {
    public static let help: [String: String] = [
        "doorbell_access_log_dropped_total": "Lines that the access log has lost: its file was too slow or full.",
        "doorbell_acknowledgements_total": "Acknowledgements that move a durable cursor.",
        "doorbell_answers_total":
            "Questions to the legacy API after changes (mode: answer), by feature and result: body, patch, unchanged, refused or failed.",
        "doorbell_batches_sent_total": "Times that several messages went to a client as one, by feature.",
        "doorbell_cache_answers": "Answers to polls that are kept in memory.",
        "doorbell_cache_bytes": "Memory taken by them, estimated.",
        "doorbell_cache_requests_total":
            "Polls of features with a cache, by feature and result: hit, miss, collapsed or passed.",
        "doorbell_capture_lag_seconds": "From the commit of the last delivered row to its delivery.",
        "doorbell_capture_rows_total": "Rows read from the outbox, replays included.",
        "doorbell_capture_ticks_total": "Ticks made by this process.",
        "doorbell_capture_unreadable_total": "Rows of the outbox that could not be read as changes.",
        "doorbell_certificate_loads_total": "Attempts to read the certificate, by result.",
        "doorbell_channels": "Channels held in memory.",
        "doorbell_commit_to_send_seconds":
            "From a change's commit until its message was handed to the sockets of a loop.",
        "doorbell_compression_input_bytes_total":
            "Bytes of messages that were compressed, before that; each message counts once.",
        "doorbell_compression_output_bytes_total": "The same bytes, after that.",
        "doorbell_conflated_messages_total":
            "Messages that slow clients were not sent, because a newer one of the same row followed.",
        "doorbell_connection_lifetime_seconds": "From the handshake to the end of a WebSocket or an event stream.",
        "doorbell_connections": "Open connections by transport.",
        "doorbell_cursor_writes_total": "Durable cursors moved in the database, by result.",
        "doorbell_dead_letters_total": "Changes that a feature could not translate.",
        "doorbell_double_polls_total": "Polls of clients that were pushed the same and did not need them, by feature.",
        "doorbell_drift_total":
            "Times that a client found its state to differ from a poll, in fields that had not differed before, and mended it, by feature.",
        "doorbell_gate_checks_total": "Checks of gates, by feature and verdict.",
        "doorbell_gate_webhooks_total": "Decisions of gates that were posted, by result.",
        "doorbell_held_back_by_transaction_seconds":
            "Age of the oldest transaction that keeps the outbox from shrinking.",
        "doorbell_held_polls_total": "Held polls that ended, by result: changed or expired.",
        "doorbell_history_bytes": "Memory taken by history, estimated.",
        "doorbell_history_messages": "Messages kept for clients that come back.",
        "doorbell_key_loads_total": "Attempts to read keys for tokens, by result.",
        "doorbell_keys": "Keys for tokens.",
        "doorbell_listener_up": "1 while changes are delivered as they are committed.",
        "doorbell_messages_sent_total": "Messages pushed, one for each client, by feature and transport.",
        "doorbell_outbox_rows": "Rows in the outbox.",
        "doorbell_parity_total": "Pairs of polls compared with the messages between them, by feature and verdict.",
        "doorbell_pg_notify_queue_usage_ratio": "How full PostgreSQL's notification queue is, 0 to 1.",
        "doorbell_published_total": "Direct messages of clients, by result.",
        "doorbell_reconnects_total":
            "Subscriptions of clients that came with a position: after a loss, or after polls.",
        "doorbell_recover_total": "Subscriptions that asked for a position, by result.",
        "doorbell_redelivered_total": "Messages delivered again from a durable cursor.",
        "doorbell_refused_connections_total": "Connections refused because there were too many, by reason.",
        "doorbell_requests_total": "Calls to the legacy API over a socket, by result.",
        "doorbell_rollout_percent": "The share of clients that are told to use push, 0 to 100, by feature.",
        "doorbell_rollout_stage": "1 for the stage that a feature is in, by feature and stage.",
        "doorbell_send_buffer_bytes": "Bytes waiting for a client after a write that left some.",
        "doorbell_sent_bytes_total": "Bytes sent to clients by feature and path.",
        "doorbell_shim_requests_total": "Polls by feature, stage, who answered, and status.",
        "doorbell_slow_clients_total": "Clients that read too slowly, by policy.",
        "doorbell_staleness_seconds": "From a change's commit until a client was told, by feature and path.",
        "doorbell_subscriptions": "Open subscriptions.",
        "doorbell_tls_handshakes_total": "TLS handshakes, by result: done or failed.",
        "doorbell_tokens_total": "Tokens that were looked at, by result.",
    ]
}
