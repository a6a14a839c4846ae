import DoorbellCore

/// Stages of features, as SQL.
///
/// - `doorbell.stages` has a row for each feature that was ever moved: where it stands now.
/// - `doorbell.audit` has a row for each step. A trigger refuses to change or remove any. It is kept for ever: people and gates take a few
///   steps a day, and a row is small.
/// - `doorbell.set_stage(feature, stage, …)` does both in the caller's transaction and notifies every node when that commits. Nobody may
///   call it but the owning role and its members.
enum RolloutSchema {
    static let channel = "doorbell_stage"
    /// What `set_stage` raises when somebody else has moved the feature since: serialization_failure.
    static let movedMeanwhile = "40001"

    private static let stageNames = Stage.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")

    static let objects = [
        """
        create table doorbell.stages (
            feature text primary key,
            stage text not null check (stage in (\(stageNames))),
            percent numeric(5, 2),
            since timestamptz not null,
            who text not null,
            why text,
            revision bigint not null,
            check ((stage = 'canary') = (percent is not null)),
            check (percent between 0 and 100))
        """,
        """
        create table doorbell.audit (
            revision bigint generated always as identity primary key,
            at timestamptz not null,
            feature text not null,
            stage_before text,
            percent_before numeric(5, 2),
            stage text not null,
            percent numeric(5, 2),
            who text not null,
            login text not null,
            why text,
            evidence jsonb)
        """,
        "create index audit_feature on doorbell.audit (feature, revision)",
        """
        create function doorbell.keep_audit() returns trigger language plpgsql set search_path = pg_catalog, pg_temp
        as $doorbell$
        begin
            raise exception 'doorbell.audit only grows' using errcode = 'object_not_in_prerequisite_state';
        end
        $doorbell$
        """,
        """
        create trigger keep_audit before update or delete or truncate on doorbell.audit
            for each statement execute function doorbell.keep_audit()
        """,
    ]

    /// Returns the revision: of the step, or, where the feature stands there already, of the one that put it there.
    static let setStage = """
        create or replace function doorbell.set_stage(
            feature pg_catalog.text, stage pg_catalog.text, percent pg_catalog.numeric default null,
            who pg_catalog.text default session_user, why pg_catalog.text default null,
            evidence pg_catalog.jsonb default null, expected pg_catalog.int8 default null,
            stage_before pg_catalog.text default null, percent_before pg_catalog.numeric default null
        ) returns pg_catalog.int8 language plpgsql security definer set search_path = pg_catalog, pg_temp
        as $doorbell$
        #variable_conflict use_column
        declare
            known doorbell.stages%rowtype;
            moment timestamptz;
            made int8;
        begin
            if coalesce(octet_length(set_stage.feature), 0) not between 1 and 64 then
                raise exception 'doorbell.set_stage needs the name of a feature'
                    using errcode = 'invalid_parameter_value';
            end if;
            if set_stage.stage is null or set_stage.stage not in (\(stageNames)) then
                raise exception 'there is no stage "%"', left(set_stage.stage, 64)
                    using errcode = 'invalid_parameter_value',
                    hint = 'Stages are observe, shadow, canary, push and retired.';
            end if;
            if (set_stage.stage = 'canary') <> (set_stage.percent is not null) then
                raise exception 'the stage canary needs a percentage, and no other stage has one'
                    using errcode = 'invalid_parameter_value';
            end if;
            if set_stage.percent is not null and (set_stage.percent not between 0 and 100
                or set_stage.percent <> round(set_stage.percent, 2))
            then
                raise exception 'a percentage is from 0 to 100 and has at most two decimals'
                    using errcode = 'invalid_parameter_value';
            end if;
            if coalesce(octet_length(set_stage.who), 0) not between 1 and \(StageChange.maximumWho)
                or octet_length(set_stage.why) > \(StageChange.maximumWhy)
                or octet_length(set_stage.evidence::text) > \(StageChange.maximumEvidence)
            then
                raise exception 'who is missing, or who, why or evidence is too long'
                    using errcode = 'invalid_parameter_value';
            end if;
            -- One at a time, also while there is no row to lock.
            lock table doorbell.stages in share row exclusive mode;
            select * into known from doorbell.stages s where s.feature = set_stage.feature;
            if set_stage.expected <> coalesce(known.revision, 0) then
                raise exception 'feature "%" was moved to % by % meanwhile', set_stage.feature, known.stage, known.who
                    using errcode = 'serialization_failure';
            end if;
            if known.stage = set_stage.stage and known.percent is not distinct from set_stage.percent then
                return known.revision;
            end if;
            moment := clock_timestamp();
            insert into doorbell.audit
                (at, feature, stage_before, percent_before, stage, percent, who, login, why, evidence)
            values (moment, set_stage.feature, coalesce(known.stage, set_stage.stage_before),
                case when known.stage is null then set_stage.percent_before else known.percent end,
                set_stage.stage, set_stage.percent, set_stage.who, session_user, set_stage.why, set_stage.evidence)
            returning revision into made;
            insert into doorbell.stages values (set_stage.feature, set_stage.stage, set_stage.percent, moment,
                set_stage.who, set_stage.why, made)
            on conflict (feature) do update set stage = excluded.stage, percent = excluded.percent,
                since = excluded.since, who = excluded.who, why = excluded.why, revision = excluded.revision;
            perform pg_notify('\(channel)', set_stage.feature);
            return made;
        end
        $doorbell$
        """

    /// Columns: feature, stage, percent, revision, since, who, why. One row for each feature that was ever moved.
    static let all = """
        select feature, stage, percent, revision, \(microseconds("since")), who, why from doorbell.stages
        """

    /// The newest first. Parameters: the feature, `null` for all; how many.
    static let records = """
        select revision, \(microseconds("at")), feature, stage_before, percent_before, stage, percent, who, login, why,
            evidence::text
        from doorbell.audit where feature = $1::text or $1::text is null order by revision desc limit $2::int8
        """

    private static func microseconds(_ time: String) -> String { "(date_part('epoch', \(time)) * 1000000)::int8" }
}
