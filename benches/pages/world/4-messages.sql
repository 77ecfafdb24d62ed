-- Messages of the last 400 days at a constant rate, in the physical order of a real installation.

-- The origins of messages, 1 % each: automations by their share, then one-off messages, then inbound messages.
CREATE TABLE bench.slots AS
SELECT (row_number() OVER (ORDER BY kind, n)) - 1 AS slot, kind, n AS automation, CASE kind WHEN 1 THEN bench.automation_id(n) END AS automation_id,
    bench.sender_id(sender) AS sender_id, (SELECT connection_id FROM senders WHERE id = bench.sender_id(sender)) AS connection_id,
    (SELECT address FROM senders WHERE id = bench.sender_id(sender)) AS sender_address,
    CASE kind WHEN 3 THEN NULL ELSE bench.template_id(template) END AS template_id, (SELECT version FROM templates WHERE id = bench.template_id(template)) AS versions,
    step, versions AS automation_versions
FROM (SELECT 1 AS kind, n, sender, template, step, versions FROM bench.automations, LATERAL generate_series(1, share)
      UNION ALL SELECT 2, 0, 1 + s % 7, 20 + s, 0, 1 FROM generate_series(1, 10) AS s
      UNION ALL SELECT 3, 0, 1 + s % 3, 1, 0, 1 FROM generate_series(1, 3) AS s
      -- In addition: the automation with only old messages, and the one with only a few.
      UNION ALL SELECT 4, n, sender, template, step, versions FROM bench.automations WHERE n IN (13, 14)) AS origins;
UPDATE bench.slots SET automation_id = bench.automation_id(automation) WHERE kind = 4;

-- The results of messages, one in a thousand each.
CREATE TABLE bench.endings AS
SELECT (row_number() OVER ()) - 1 AS number, status, error_code, reason, retried
FROM (VALUES (870, 'delivered', NULL::int, NULL, false), (10, 'read', NULL, NULL, false), (38, 'sent', NULL, NULL, false), (24, 'undelivered', 30003, NULL, false),
    (10, 'undelivered', 30005, NULL, false), (10, 'undelivered', 30006, NULL, false), (10, 'undelivered', 30007, NULL, false), (10, 'undelivered', 30008, NULL, false),
    (4, 'failed', 21211, NULL, false), (2, 'failed', 21610, NULL, false), (1, 'failed', 30034, NULL, false), (1, 'failed', NULL, 'Twilio refused it without a code.', false),
    (5, 'skipped', NULL, 'The variable event.order_id has no value.', false), (1, 'expired', NULL, 'Its time had passed before it could be sent.', false),
    (2, 'canceled', NULL, 'canceled', false), (1, 'failed', 30001, NULL, false), (1, 'failed', 30001, NULL, true))
    AS e (share, status, error_code, reason, retried), LATERAL generate_series(1, share);

ANALYZE bench.slots, bench.endings, bench.things, bench.first_names;

-- In a hundred sorted chunks: neighbours in time are neighbours in the table, which makes most pages fast.
DO $$ BEGIN FOR chunk IN 0..99 LOOP
    INSERT INTO messages (id, connection_id, created_at, status_at, parts, status, direction, encoding, to_address, sender_id, contact_id, automation_id, enrollment_id, step,
        request_key, retry_of, retried_at, template_id, template_version, error_code, reason, twilio_sid, from_address, body)
    SELECT bench.id(at + copy * 1800000, 20 + copy, n), connection_id, bench.time(at + copy * 1800000), bench.time(at + 5000),
        1 + (n % 7 = 0)::int, status, CASE kind WHEN 3 THEN 'inbound' ELSE 'outbound' END, CASE WHEN n % 7 = 0 THEN 'ucs2' ELSE 'gsm7' END,
        CASE kind WHEN 3 THEN sender_address ELSE phone END, sender_id, contact_id, automation_id,
        CASE WHEN automation_id IS NOT NULL AND copy = 0 THEN bench.id(at - 2, 21, n) END, CASE WHEN automation_id IS NOT NULL THEN step END,
        CASE WHEN kind = 3 THEN 'SM' || md5(n::text) WHEN kind = 2 AND copy = 0 THEN 'shop-' || n END,
        CASE copy WHEN 1 THEN bench.id(at, 20, n) END, CASE WHEN retried AND copy = 0 THEN bench.time(at + 1800000) END,
        template_id, CASE WHEN template_id IS NOT NULL THEN (1 + n * versions / (messages + 1))::int END, error_code, reason,
        CASE WHEN status NOT IN ('suppressed', 'skipped', 'expired', 'pending', 'submitting', 'canceled') THEN 'SM' || md5(n::text || copy) END,
        CASE WHEN kind = 3 THEN phone WHEN status IN ('pending', 'submitting') THEN NULL ELSE sender_address END,
        CASE WHEN kind <> 3 THEN 'Hi ' || first_name || ', ' || (ARRAY['your order with the ', 'good news about your ', 'we have kept the ', 'you looked at a '])[1 + n % 4] || thing
                || (ARRAY[' (A-', ' (number ', ' (B-', ' ('])[1 + n % 4] || n || ') '
                || (ARRAY['is on its way.', 'has been delivered. How do you like it?', 'for you until Sunday. Shall we send it?', 'and left it behind.'])[1 + n % 4]
                || CASE WHEN n % 7 = 0 THEN ' Schöne Grüße 🎁' ELSE '' END || ' Reply STOP to opt out.'
            WHEN n % 40 = 0 THEN 'STOP' ELSE (ARRAY['Thank you!', 'When will the ', 'I like the ', 'Please call me about the '])[1 + n % 4] || thing END
    FROM (SELECT m.n, m.at, m.c, s.*, f.name AS first_name,
            bench.id(bench.contact_at(m.c, m.contacts, m.ends), 1, m.c) AS contact_id, bench.phone(m.c) AS phone, m.messages,
            -- Rare words: one in every hundred thousand messages, another one in exactly three old messages.
            CASE WHEN m.n IN (m.messages / 50, m.messages / 20, m.messages / 10) THEN 'zeppelin' WHEN m.n % 100003 = 77 THEN 'red umbrella' ELSE t.name END AS thing,
            e.retried AND y.status = e.status AS retried, y.status,
            CASE WHEN y.status = 'undelivered' AND m.rare_error THEN 30019 WHEN y.status = e.status THEN e.error_code END AS error_code,
            CASE WHEN y.status = 'suppressed' THEN CASE WHEN m.c % 200 = 7 THEN 'carrier_21610' ELSE 'stop' END WHEN y.status = e.status THEN e.reason END AS reason
          FROM (SELECT n, messages, contacts, ends, at,
                    CASE WHEN n % greatest(messages / 10000, 100) = 1 THEN 0
                         ELSE bench.dice(n, 20, ((1096 * 86400000::bigint - (ends - at)) / (1096 * 86400000::bigint / contacts))) END AS c,
                    CASE WHEN n % (messages / 120) = 17 THEN 101 WHEN n < messages / 10 AND n % 100 < 5 THEN 100 ELSE bench.dice(n, 21, 100) END AS slot,
                    bench.dice(n, 22, 1000) AS ending, n < messages / 5 AND n % 200003 = 9 AS rare_error
                FROM (SELECT n, messages, contacts, ends, ends - (messages - n) * (400 * 86400000::bigint / messages) AS at
                      FROM bench.size, generate_series(messages * chunk / 100, messages * (chunk + 1) / 100 - 1) AS n) AS numbered) AS m
            JOIN bench.slots AS s ON s.slot = m.slot
            JOIN bench.endings AS e ON e.number = m.ending
            JOIN bench.things AS t ON t.number = m.n % 500
            JOIN bench.first_names AS f ON f.number = bench.dice(m.c, 10, (SELECT count(*) FROM bench.first_names)),
            LATERAL (SELECT CASE
                WHEN s.kind = 3 THEN 'received'
                WHEN bench.stopped_at(m.c, m.contacts, m.ends) < m.at THEN 'suppressed'
                -- Nine tenths of the newest are still pending.
                WHEN m.n >= m.messages - m.messages / 250 AND m.n % 10 < 9 THEN 'pending'
                -- A few old and new messages are unconfirmed.
                WHEN m.n % 1000003 = 500 OR (m.n > m.messages * 99 / 100 AND m.n % 10007 = 3) THEN 'unconfirmed'
                WHEN m.n >= m.messages - m.messages / 100
                    THEN (ARRAY['accepted', 'queued', 'sending', 'sent', 'sent', 'sent', 'delivered', 'delivered', 'delivered', 'delivered'])[1 + bench.dice(m.n, 23, 10)]
                WHEN rare_error THEN 'undelivered'
                ELSE e.status END AS status) AS y
          OFFSET 0) AS generated, LATERAL generate_series(0, retried::int) AS copy
    ORDER BY generated.n, copy;
END LOOP; END $$;
