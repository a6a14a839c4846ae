/// The triggers of ``CaptureMode/statement``: one insert for all rows of a statement, from its transition tables.
///
/// The transition tables stand in subqueries of their own, with nothing but `t.*`: a column of the watched table that is
/// called `tg_op` would make `TG_OP` beside it ambiguous, and fail the application's write.
enum StatementCapture {
    static var functions: [String] {
        [
            function(
                "capture_inserted", images: "null, n.r",
                from: "(select pg_catalog.row_to_json(t.*)::pg_catalog.text as r from added t) n"),
            function(
                "capture_deleted", images: "o.r, null",
                from: "(select pg_catalog.row_to_json(t.*)::pg_catalog.text as r from removed t) o"),
            function(
                "capture_updated",
                // The session's first call decides the plan of all: after the update of one row that would be a nested loop,
                // and the time of a later bulk update would grow with the square of its rows.
                settings: "set enable_nestloop = off",
                images: "o.r, n.r",
                // Both transition tables are filled row by row in the same order. `t.*`, never `t`: a column may have
                // that name.
                from: """
                    (select pg_catalog.row_number() over () as i, pg_catalog.row_to_json(t.*)::pg_catalog.text as r
                        from removed t) o
                    join (select pg_catalog.row_number() over () as i, pg_catalog.row_to_json(t.*)::pg_catalog.text as r
                        from added t) n
                        on o.i operator(pg_catalog.=) n.i
                    order by n.i
                    """),
        ]
    }

    private static func function(_ name: String, settings: String = "", images: String, from: String) -> String {
        OutboxSchema.function(
            name, settings: settings,
            declare: OutboxSchema.declaration,
            body: OutboxSchema.bySlot { slot in
                """
                insert into doorbell.outbox_\(slot) (seq, relation, op, old, new)
                select pg_catalog.nextval('doorbell.seq'::pg_catalog.regclass), TG_ARGV[0]::pg_catalog.int4,
                    TG_OP::pg_catalog."char", \(images)
                from \(from);
                """
            } + "\n" + OutboxSchema.ring)
    }

    static func trigger(_ name: String, on table: String, id: Int32) -> [String] {
        switch name {
        case OutboxSchema.insertTrigger:
            OutboxSchema.trigger(
                name, "after insert on \(table) referencing new table as added for each statement", on: table,
                calling: "capture_inserted", id: id)
        case OutboxSchema.updateTrigger:
            OutboxSchema.trigger(
                name,
                "after update on \(table) referencing old table as removed new table as added for each statement",
                on: table, calling: "capture_updated", id: id)
        default:
            OutboxSchema.trigger(
                name, "after delete on \(table) referencing old table as removed for each statement", on: table,
                calling: "capture_deleted", id: id)
        }
    }
}
