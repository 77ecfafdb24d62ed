-- The related rows of messages: enrollments, events, attempts and delivery events.
INSERT INTO enrollments (id, automation_id, version, contact_id, event_id, cause, status, step, due_at, started_at, finished_at, reason)
SELECT enrollment_id, automation_id, version, contact_id, event, coalesce('event:' || event, 'tag:' || contact_id),
    CASE WHEN failed THEN 'failed' ELSE 'completed' END, step + 1, created_at, created_at, created_at,
    CASE WHEN failed THEN 'The sender of step 2 no longer exists.' END
FROM (SELECT m.enrollment_id, m.automation_id, m.contact_id, m.step, m.created_at,
          CASE WHEN s.automation IN (1, 3) THEN overlay(m.enrollment_id::text PLACING '7016' FROM 15)::uuid END AS event,
          -- One enrollment in a hundred of one automation failed after its message.
          s.automation = 4 AND extract(second FROM m.created_at) < 0.6 AS failed,
          -- Versions are spread evenly over time; the newest messages have the newest version.
          1 + floor(s.versions * (1 - least(0.999, extract(epoch FROM bench.time(ends) - m.created_at) / (400 * 86400))))::int AS version
      FROM bench.size, messages AS m JOIN (SELECT automation_id, max(automation) AS automation, max(automation_versions) AS versions FROM bench.slots GROUP BY 1) AS s USING (automation_id)
      WHERE m.enrollment_id IS NOT NULL OFFSET 0) AS enrolled;

-- The enrollments of the automation that waits for half a year: a tenth as many as messages, the newest fifth of them active.
INSERT INTO enrollments (id, automation_id, version, contact_id, cause, status, step, due_at, started_at, finished_at)
SELECT bench.id(at, 22, n), (SELECT bench.automation_id(15)), (1 + n * 3 / (messages / 10 + 1))::int, contact, 'contact:' || contact,
    CASE WHEN n > messages * 82 / 1000 THEN 'active' ELSE 'completed' END, CASE WHEN n > messages * 82 / 1000 THEN 1 ELSE 2 END,
    CASE WHEN n > messages * 82 / 1000 THEN bench.time(ends + (n - messages * 82 / 1000) * 60000) ELSE bench.time(at) END, bench.time(at),
    CASE WHEN n <= messages * 82 / 1000 THEN bench.time(at + 3600000) END
FROM (SELECT n, messages, ends, ends - (messages / 10 - n) * (200 * 86400000::bigint / (messages / 10)) AS at, bench.contact(contacts - 1 - n % contacts, contacts, ends) AS contact
      FROM bench.size, generate_series(0, messages / 10 - 1) AS n) AS waiting;

INSERT INTO events (id, client_id, name, contact_id, properties, occurred_at, received_at)
SELECT event_id, 'shop-' || event_id, CASE automation_id WHEN (SELECT bench.automation_id(1)) THEN 'order_completed' ELSE 'cart_abandoned' END, contact_id,
    json_build_object('order_id', 'A-' || right(event_id::text, 7), 'total', 49.9, 'currency', 'USD'), started_at, started_at
FROM enrollments WHERE event_id IS NOT NULL;

INSERT INTO attempts (message_id, number, worker_id, claimed_at, finished_at, outcome, http_status, error_code, twilio_request_id, duration_ms)
SELECT id, 1, '01900000-0000-7000-8000-000000000000', created_at, created_at + interval '100 ms',
    CASE WHEN status = 'unconfirmed' THEN 'unknown' WHEN status = 'failed' THEN 'refused' ELSE 'accepted' END,
    CASE WHEN status = 'unconfirmed' THEN 500 WHEN status = 'failed' THEN 400 ELSE 201 END, CASE WHEN status = 'failed' THEN error_code END, 'RQ' || right(twilio_sid, 32), 100
FROM messages WHERE direction = 'outbound' AND status NOT IN ('suppressed', 'skipped', 'expired', 'pending', 'canceled');

-- The last report of each message, and for one in sixteen the earlier ones as well.
INSERT INTO delivery_events (message_id, status, source, error_code, applied, received_at, params)
SELECT m.id, r.status, r.source, CASE WHEN r.last THEN m.error_code END, true, r.at,
    CASE r.source WHEN 'callback' THEN json_build_object('AccountSid', 'ACbe000000000000000000000000000001', 'From', m.from_address, 'MessageSid', m.twilio_sid,
        'MessageStatus', r.status, 'To', m.to_address, 'ApiVersion', '2010-04-01') END
FROM messages AS m, LATERAL (
    SELECT CASE m.status WHEN 'unconfirmed' THEN 'queued' ELSE m.status END::text AS status, 'callback' AS source, m.status_at AS at, true AS last
    WHERE m.status NOT IN ('unconfirmed', 'accepted')
    UNION ALL SELECT 'queued', 'response', m.created_at + interval '100 ms', false WHERE right(m.twilio_sid, 1) = '7'
    UNION ALL SELECT 'sent', 'callback', m.created_at + interval '2 s', false WHERE right(m.twilio_sid, 1) = '7' AND m.status NOT IN ('accepted', 'queued', 'sending', 'sent')) AS r
WHERE m.direction = 'outbound' AND m.twilio_sid IS NOT NULL AND m.status <> 'failed';
