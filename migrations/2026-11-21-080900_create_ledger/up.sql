CREATE TABLE ledger (
    day date NOT NULL,
    automation_id uuid,
    sender_id uuid,
    outcome text NOT NULL,
    reason text,
    error_code integer,
    count bigint NOT NULL,
    CONSTRAINT ledger_outcome_known CHECK (outcome IN (
        'recipients', 'pending', 'unconfirmed', 'sent', 'delivered', 'failed', 'suppressed', 'skipped', 'retried'))
);
-- PostgreSQL 14 has no NULLS NOT DISTINCT.
CREATE UNIQUE INDEX ledger_bucket_key ON ledger (
    day, coalesce(automation_id, '00000000-0000-0000-0000-000000000000'), coalesce(sender_id, '00000000-0000-0000-0000-000000000000'),
    outcome, coalesce(reason, ''), coalesce(error_code, 0));
CREATE INDEX ledger_automation_id_idx ON ledger (automation_id, day);
-- What waits now is asked for at every look at Home, and old days have none of it.
CREATE INDEX ledger_pending_idx ON ledger (sender_id) INCLUDE (count) WHERE outcome = 'pending' AND count <> 0;
COMMENT ON TABLE ledger IS 'How many outbound messages ended how: per day (UTC, of composing), automation and sender. What is not in it yet is in ledger_changes.';
COMMENT ON COLUMN ledger.outcome IS 'One of ledger_outcome(), or recipients: how many were composed, counted apart from how they ended.';
COMMENT ON COLUMN ledger.reason IS 'Why it failed without an error code, was suppressed or skipped; its first 200 characters.';

-- Rows are only ever inserted by whoever changes messages, so that two batches never wait for each other over a counter.
CREATE TABLE ledger_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    day date NOT NULL,
    automation_id uuid,
    sender_id uuid,
    outcome text NOT NULL,
    reason text,
    error_code integer,
    count bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE ledger_changes IS 'What each change of messages adds to the ledger, until it is folded into it.';

CREATE FUNCTION ledger_day(created_at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (created_at AT TIME ZONE 'UTC')::date;

CREATE FUNCTION ledger_outcome(status text, retried_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN retried_at IS NOT NULL THEN 'retried'
    WHEN status IN ('pending', 'submitting') THEN 'pending'
    WHEN status IN ('accepted', 'scheduled', 'queued', 'sending', 'sent') THEN 'sent'
    WHEN status IN ('delivered', 'read') THEN 'delivered'
    WHEN status IN ('failed', 'undelivered') THEN 'failed'
    WHEN status IN ('skipped', 'expired', 'canceled') THEN 'skipped'
    ELSE status END;
COMMENT ON FUNCTION ledger_outcome IS 'The same as messages/outcome.rs; a test compares them.';

CREATE FUNCTION ledger_reason(status text, retried_at timestamptz, reason text, error_code integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN retried_at IS NOT NULL THEN NULL
    WHEN status IN ('failed', 'undelivered') AND error_code IS NULL THEN left(reason, 200)
    WHEN status IN ('suppressed', 'skipped', 'expired') THEN left(reason, 200)
    WHEN status = 'canceled' THEN coalesce(left(reason, 200), 'canceled') END;

CREATE FUNCTION ledger_error_code(status text, retried_at timestamptz, error_code integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN retried_at IS NULL AND status IN ('failed', 'undelivered') THEN error_code END;

-- The rows are first counted by their bare columns, a few groups then by the words of the ledger: half the price of doing it at once.
CREATE FUNCTION count_inserted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH entered AS (
        SELECT ledger_day(day) AS day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT date_bin('1 day', created_at, '2000-01-01Z') AS day, automation_id, sender_id,
                status, retried_at, reason, error_code, count(*) AS count
              FROM after WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7) AS m
        GROUP BY 1, 2, 3, 4, 5, 6)
    INSERT INTO ledger_changes (day, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM entered
    UNION ALL
    SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM entered GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;

-- A bucket that as many messages leave as enter has not changed: claims and most reports append nothing.
CREATE FUNCTION count_updated_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        SELECT ledger_day(day) AS day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT date_bin('1 day', created_at, '2000-01-01Z') AS day, automation_id, sender_id,
                status, retried_at, reason, error_code, sum(delta) AS count
              FROM (SELECT *, 1 AS delta FROM after UNION ALL SELECT *, -1 FROM before) AS changed
              WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(delta) <> 0) AS m
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(count) <> 0)
    INSERT INTO ledger_changes (day, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM moved
    UNION ALL
    -- Only where messages changed hands.
    SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM moved GROUP BY 1, 2, 3 HAVING sum(count) <> 0;
    RETURN NULL;
END $$;

CREATE FUNCTION count_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        SELECT ledger_day(day) AS day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT date_bin('1 day', created_at, '2000-01-01Z') AS day, automation_id, sender_id,
                status, retried_at, reason, error_code, -count(*) AS count
              FROM before WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7) AS m
        GROUP BY 1, 2, 3, 4, 5, 6)
    INSERT INTO ledger_changes (day, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM gone
    UNION ALL
    SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM gone GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;

CREATE TRIGGER messages_count_inserted AFTER INSERT ON messages REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_messages();
CREATE TRIGGER messages_count_updated AFTER UPDATE ON messages REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_updated_messages();
CREATE TRIGGER messages_count_deleted AFTER DELETE ON messages REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_messages();

INSERT INTO routines (name) VALUES ('fold_ledger');

-- Messages lie in the table in the order of their days, so that this small index is enough to find those of some days.
CREATE INDEX messages_created_at_idx ON messages USING brin (created_at) WITH (pages_per_range = 32, autosummarize = on);

INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count)
WITH entered AS (
    SELECT ledger_day(created_at) AS day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
        ledger_reason(status, retried_at, reason, error_code) AS reason,
        ledger_error_code(status, retried_at, error_code) AS error_code, count(*) AS count
    FROM messages WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6)
SELECT * FROM entered
UNION ALL
SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM entered GROUP BY 1, 2, 3;
