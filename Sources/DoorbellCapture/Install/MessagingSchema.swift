import DoorbellCore

/// Direct messages and acknowledgements, as SQL.
///
/// - `doorbell.publish(channel, data, …)` writes a direct message into the outbox, in the caller's transaction, and rings the
///   bell. Unlike a trigger it is called on purpose, so it fails loudly. Nobody may call it but the owning role and those that
///   the configuration names.
/// - `doorbell.channels` holds the channels of the features as patterns, so that a message that nobody could get is refused to
///   its sender.
/// - `doorbell.cursors` has a row for each client of an at-least-once channel. Moving one is an update of columns that no
///   index has; the room left in each page keeps it there.
enum MessagingSchema {
    /// `relation` of a direct message in the outbox: tables are numbered from 1.
    static let relation: Int32 = 0
    /// `op` of a direct message.
    static let operation = UInt8(ascii: "M")
    /// Without schema: what a grant names.
    static let signature = "publish(text, json, text, text, json)"

    static let tables = [
        "create table doorbell.channels (pattern text primary key, feature text not null)",
        """
        create table doorbell.cursors (
            identity text not null,
            client text not null,
            channel text not null,
            epoch bigint not null,
            tick bigint not null,
            seq bigint not null,
            touched_at timestamptz not null default pg_catalog.clock_timestamp(),
            primary key (identity, client, channel)) with (fillfactor = 50)
        """,
    ]

    /// A row of the outbox whose `old` says what is known about the message, and whose `new` is its data. With a `search_path` of its
    /// own, which costs a caller 2 µs and not each written row.
    static var publish: String {
        """
        create or replace function doorbell.publish(
            channel pg_catalog.text, data pg_catalog.json, sender pg_catalog.text default null,
            session pg_catalog.text default null, id pg_catalog.json default null
        ) returns void language plpgsql security definer set search_path = pg_catalog, pg_temp
        as $doorbell$
        declare
            s int8;
            slot int8;
            about text := json_build_object('channel', channel, 'from', sender, 'session', session, 'id', id)::text;
        begin
            if channel is null or data is null then
                raise exception 'doorbell.publish needs a channel and data' using errcode = 'null_value_not_allowed',
                    hint = 'JSON''s own null is ''null''::json.';
            end if;
            if octet_length(channel) > \(ChannelName.maximumLength)
                or not exists (select from doorbell.channels c where channel ~ c.pattern)
            then
                raise exception 'no feature of Doorbell has the channel "%"', left(channel, 255)
                    using errcode = 'invalid_parameter_value',
                    hint = 'Known are the channels of doorbell.yaml as of the last ''doorbell install''.';
            end if;
            if octet_length(data::text) > \(DirectMessage.maximumData) then
                raise exception 'the data of a message may have at most \(DirectMessage.maximumData) bytes'
                    using errcode = 'program_limit_exceeded';
            end if;
            if octet_length(sender) > \(DirectMessage.maximumFrom)
                or octet_length(session) > \(DirectMessage.maximumReference)
                or octet_length(id::text) > \(DirectMessage.maximumReference)
                or json_typeof(id) not in ('string', 'number')
            then
                raise exception 'sender, session or id of a message is too long, or id is neither text nor number'
                    using errcode = 'invalid_parameter_value';
            end if;
            s := nextval('doorbell.seq'::regclass);
            slot := (s >> \(OutboxSchema.slotShift)) & \(OutboxSchema.slots - 1);
        \(OutboxSchema.indent(insert, by: 4))
        \(OutboxSchema.indent(OutboxSchema.ring, by: 4))
        end
        $doorbell$
        """
    }

    private static var insert: String {
        OutboxSchema.bySlot { slot in
            """
            insert into doorbell.outbox_\(slot) (seq, relation, op, old, new)
            values (s, \(relation), 'M', about, data::text);
            """
        }
    }

    // MARK: What the configuration decides

    /// Makes `doorbell.channels` hold exactly these.
    static func channels(_ channels: [PublishedChannels]) -> [String] {
        guard !channels.isEmpty else { return ["delete from doorbell.channels"] }
        let patterns = channels.map { SQL.literal($0.template.pattern) }.joined(separator: ", ")
        // Templates of one feature that differ only in the names of their holes have one pattern.
        var seen: Set<String> = []
        let rows = channels.filter { seen.insert($0.template.pattern).inserted }
            .map { "(\(SQL.literal($0.template.pattern)), \(SQL.literal($0.feature)))" }
        return [
            "delete from doorbell.channels where pattern <> all (array[\(patterns)])",
            """
            insert into doorbell.channels values \(rows.joined(separator: ", "))
            on conflict (pattern) do update set feature = excluded.feature
            """,
        ]
    }

    static func grant(to role: String) -> [String] {
        let role = SQL.identifier(role)
        return [
            "grant usage on schema doorbell to \(role)", "grant execute on function doorbell.\(signature) to \(role)",
        ]
    }

    static func revoke(from role: String) -> [String] {
        let role = SQL.identifier(role)
        return [
            "revoke execute on function doorbell.\(signature) from \(role)",
            "revoke usage on schema doorbell from \(role)",
        ]
    }
}
