-- Days are those of the organization's time zone. A change says in which quarter of an hour its messages were composed, which belongs to
-- one day in every time zone; whoever folds or reads changes says which. The folded ledger has days of this zone, UTC until now:
ALTER TABLE organization ADD COLUMN ledger_time_zone text NOT NULL DEFAULT 'UTC';
COMMENT ON COLUMN organization.ledger_time_zone IS 'Whose days the ledger and every filter by day count by. It follows time_zone as soon as the ledger has been counted anew for it.';

-- What is not folded yet goes into days of UTC first. Whoever changes messages waits here until this transaction ends.
LOCK TABLE ledger_changes, ledger IN ACCESS EXCLUSIVE MODE;
INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count)
SELECT day, automation_id, sender_id, outcome, reason, error_code, sum(count)::bigint FROM ledger_changes
GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(count) <> 0
ON CONFLICT (day, coalesce(automation_id, '00000000-0000-0000-0000-000000000000'),
    coalesce(sender_id, '00000000-0000-0000-0000-000000000000'), outcome, coalesce(reason, ''), coalesce(error_code, 0))
DO UPDATE SET count = ledger.count + excluded.count;

DROP TABLE ledger_changes;
CREATE TABLE ledger_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quarter timestamptz NOT NULL,
    automation_id uuid,
    sender_id uuid,
    outcome text NOT NULL,
    reason text,
    error_code integer,
    count bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE ledger_changes IS 'What each change of messages adds to the ledger, until it is folded into it.';
COMMENT ON COLUMN ledger_changes.quarter IS 'Beginning of the quarter of an hour in which the messages were composed: every time zone''s days begin with one.';
COMMENT ON TABLE ledger IS 'How many outbound messages ended how: per day (of composing, in organization.ledger_time_zone), automation and sender. What is not in it yet is in ledger_changes.';

DROP FUNCTION ledger_day(timestamptz);
CREATE FUNCTION ledger_quarter(created_at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin('15 minutes', created_at, '2000-01-01Z');

CREATE OR REPLACE FUNCTION count_inserted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH entered AS (
        SELECT quarter, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT ledger_quarter(created_at) AS quarter, automation_id, sender_id,
                status, retried_at, reason, error_code, count(*) AS count
              FROM after WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7) AS m
        GROUP BY 1, 2, 3, 4, 5, 6)
    INSERT INTO ledger_changes (quarter, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM entered
    UNION ALL
    SELECT quarter, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM entered GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_updated_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH moved AS (
        SELECT quarter, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT ledger_quarter(created_at) AS quarter, automation_id, sender_id,
                status, retried_at, reason, error_code, sum(delta) AS count
              FROM (SELECT *, 1 AS delta FROM after UNION ALL SELECT *, -1 FROM before) AS changed
              WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7 HAVING sum(delta) <> 0) AS m
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(count) <> 0)
    INSERT INTO ledger_changes (quarter, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM moved
    UNION ALL
    -- Only where messages changed hands.
    SELECT quarter, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM moved GROUP BY 1, 2, 3 HAVING sum(count) <> 0;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        SELECT quarter, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
            ledger_reason(status, retried_at, reason, error_code) AS reason,
            ledger_error_code(status, retried_at, error_code) AS error_code, sum(count) AS count
        FROM (SELECT ledger_quarter(created_at) AS quarter, automation_id, sender_id,
                status, retried_at, reason, error_code, -count(*) AS count
              FROM before WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7) AS m
        GROUP BY 1, 2, 3, 4, 5, 6)
    INSERT INTO ledger_changes (quarter, automation_id, sender_id, outcome, reason, error_code, count)
    SELECT * FROM gone
    UNION ALL
    SELECT quarter, automation_id, sender_id, 'recipients', NULL, NULL, sum(count) FROM gone GROUP BY 1, 2, 3;
    RETURN NULL;
END $$;
