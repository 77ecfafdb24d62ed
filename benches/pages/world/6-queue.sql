-- The queue: jobs for waiting enrollments and pending messages, failed jobs, and messages in the queue of a throttled sender.
INSERT INTO jobs (kind, subject, run_at, created_at)
SELECT 'advance', id, due_at, started_at FROM enrollments WHERE automation_id = (SELECT bench.automation_id(15)) AND status = 'active' ORDER BY due_at;
INSERT INTO queued_sends (message_id, sender_id, flow, parts, queued_at)
SELECT id, sender_id, coalesce(automation_id, '00000000-0000-0000-0000-000000000000'), parts, created_at
FROM messages, bench.size
WHERE status = 'pending' AND sender_id = (SELECT bench.sender_id(2)) AND id > bench.id(ends - 400 * 86400000::bigint / 200, 0, 0) ORDER BY id;
INSERT INTO throttles (sender_id, free_at, waiting_messages, waiting_parts, releasing)
SELECT sender_id, now(), count(*), sum(parts), true FROM queued_sends GROUP BY 1;
INSERT INTO jobs (kind, subject, run_at, created_at) SELECT 'release', sender_id, bench.time(ends), bench.time(ends) FROM throttles, bench.size;
INSERT INTO jobs (kind, subject, run_at, created_at)
SELECT 'send', m.id, m.created_at, m.created_at FROM messages AS m, bench.size
WHERE m.status = 'pending' AND m.id > bench.id(ends - 400 * 86400000::bigint / 200, 0, 0) AND NOT EXISTS (SELECT FROM queued_sends WHERE message_id = m.id) ORDER BY m.id;
INSERT INTO jobs (kind, subject, run_at, attempt, failed_at, error, created_at)
SELECT CASE WHEN n % 2 = 0 THEN 'advance' ELSE 'settle' END, gen_random_uuid(), bench.time(ends - n * 3600000::bigint), 25, bench.time(ends - n * 3600000::bigint),
    'The database answered with an error: canceling statement due to statement timeout', bench.time(ends - n * 3600000::bigint - 86400000::bigint)
FROM bench.size, generate_series(1, 1000) AS n;

-- What routines have set aside, of all kinds, and the organization's own opt-out words, as many as there may be.
INSERT INTO set_aside (kind, subject, connection_id, error, attempts, first_at, last_at, next_try_at)
SELECT (ARRAY['take_in', 'look_up', 'release', 'fold'])[1 + n % 4], bench.id(ends - n * 1000, 12, n)::text, bench.connection_id(1 + n % 2),
    'The database refused the row: value out of range', 1 + n % 9, bench.time(ends - n * 60000), bench.time(ends - n * 1000), bench.time(ends + n * 1000)
FROM bench.size, generate_series(1::bigint, 20000) AS n;
INSERT INTO opt_out_words (id, word, squeezed, created_by, created_at)
SELECT bench.id(ends - n * 1000, 13, n), 'adieu ' || n, 'adieu' || n, bench.user_id(1 + n % 60), bench.time(ends - n * 86400000::bigint)
FROM bench.size, generate_series(1::bigint, 100) AS n;
