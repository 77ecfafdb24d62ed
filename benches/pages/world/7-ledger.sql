-- The ledger, computed with the product's own functions, because its triggers were disabled while the messages were loaded. Some recent
-- changes are not folded yet.
TRUNCATE ledger, ledger_changes;
CREATE TEMPORARY TABLE counted AS
WITH entered AS (
    SELECT day, automation_id, sender_id, ledger_outcome(status, retried_at) AS outcome,
        ledger_reason(status, retried_at, reason, error_code) AS reason,
        ledger_error_code(status, retried_at, error_code) AS error_code, sum(count)::bigint AS count
    FROM (SELECT (created_at AT TIME ZONE 'America/Los_Angeles')::date AS day, automation_id, sender_id, status,
              CASE WHEN retried_at IS NOT NULL THEN '2000-01-01Z'::timestamptz END AS retried_at, reason, error_code, count(*) AS count
          FROM messages WHERE direction = 'outbound' GROUP BY 1, 2, 3, 4, 5, 6, 7) AS m
    GROUP BY 1, 2, 3, 4, 5, 6)
SELECT * FROM entered
UNION ALL
SELECT day, automation_id, sender_id, 'recipients', NULL, NULL, sum(count)::bigint FROM entered GROUP BY 1, 2, 3;
INSERT INTO ledger (day, automation_id, sender_id, outcome, reason, error_code, count) SELECT * FROM counted ORDER BY day;
-- 2,000 changes that increase a recent bucket and 2,000 that decrease it again, as after a busy period.
INSERT INTO ledger_changes (quarter, automation_id, sender_id, outcome, reason, error_code, count)
SELECT day::timestamp AT TIME ZONE 'America/Los_Angeles', automation_id, sender_id, outcome, reason, error_code, sign
FROM (SELECT * FROM counted ORDER BY day DESC, count DESC LIMIT 40) AS newest, generate_series(1, 50), unnest(ARRAY[1, -1]) AS sign;
UPDATE organization SET ledger_time_zone = time_zone;
INSERT INTO failures (message_id, created_at, automation_id, sender_id, error_code)
SELECT id, created_at, automation_id, sender_id, ledger_error_code(status, NULL, error_code) FROM messages WHERE status IN ('failed', 'expired') AND retried_at IS NULL;
