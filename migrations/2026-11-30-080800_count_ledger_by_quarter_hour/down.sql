-- The messages themselves say on which days of UTC they were composed.
LOCK TABLE messages IN SHARE ROW EXCLUSIVE MODE;
LOCK TABLE ledger_changes, ledger IN ACCESS EXCLUSIVE MODE;
DELETE FROM ledger;
DROP TABLE ledger_changes;
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
COMMENT ON TABLE ledger IS 'How many outbound messages ended how: per day (UTC, of composing), automation and sender. What is not in it yet is in ledger_changes.';

DROP FUNCTION ledger_quarter(timestamptz);
CREATE FUNCTION ledger_day(created_at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (created_at AT TIME ZONE 'UTC')::date;

CREATE OR REPLACE FUNCTION count_inserted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION count_updated_messages() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION count_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
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

INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count)
WITH entered AS (
    SELECT ledger_day(created_at) AS day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
        ledger_reason(status, retried_at, reason, error_code) AS reason,
        ledger_error_code(status, retried_at, error_code) AS error_code, count(*) AS count
    FROM messages WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6)
SELECT * FROM entered
UNION ALL
SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM entered GROUP BY 1, 2, 3;

ALTER TABLE organization DROP COLUMN ledger_time_zone;
