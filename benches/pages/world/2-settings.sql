-- The settings: users, connections with senders, tags, templates, automations, API keys, and the audit log.
CREATE FUNCTION bench.user_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1095 * 86400000::bigint, 2, n);
CREATE FUNCTION bench.connection_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1094 * 86400000::bigint, 3, n);
CREATE FUNCTION bench.sender_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1093 * 86400000::bigint, 4, n);
CREATE FUNCTION bench.template_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1092 * 86400000::bigint, 5, n);
CREATE FUNCTION bench.automation_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1091 * 86400000::bigint, 6, n);
CREATE FUNCTION bench.tag_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1090 * 86400000::bigint, 7, n);
CREATE FUNCTION bench.source_id(n bigint) RETURNS uuid STABLE LANGUAGE sql RETURN bench.id((SELECT ends FROM bench.size) - 1089 * 86400000::bigint, 14, n);

UPDATE organization SET default_country = 'US', time_zone = 'America/Los_Angeles';
INSERT INTO users (id, email, name, role, password_hash, created_at, password_changed_at, seen_at)
SELECT bench.user_id(n), 'user' || n || '@example.com', f.name || ' ' || l.name, (ARRAY['admin', 'marketer', 'viewer'])[1 + n % 3],
    'none: sign-in is disabled', bench.time(ends - 1095 * 86400000::bigint), bench.time(ends - 1095 * 86400000::bigint), bench.time(ends - n * 3600000::bigint)
FROM bench.size, generate_series(1, 60) AS n
    JOIN bench.first_names AS f ON f.number = n + 20 JOIN bench.last_names AS l ON l.number = n * 7;
INSERT INTO invitations (id, email, role, token_hash, created_at, expires_at)
SELECT bench.id(ends - n * 1000, 8, n), 'invited' || n || '@example.com', 'viewer', sha256(n::text::bytea), bench.time(ends - n * 1000), bench.time(ends + 86400000::bigint)
FROM bench.size, generate_series(1, 20) AS n;
INSERT INTO api_keys (id, name, role, prefix, key_hash, created_at, last_used_at, revoked_at)
SELECT bench.id(ends - n * 86400000::bigint, 9, n), 'Shop ' || n, 'marketer', 'ck_' || left(md5(n::text), 6), sha256(n::text::bytea),
    bench.time(ends - n * 86400000::bigint), bench.time(ends), CASE WHEN n % 4 = 0 THEN bench.time(ends) END
FROM bench.size, generate_series(1, 200) AS n;

-- All connections are to the same account, whose token is entered through the API later; the third one is disabled, the last one stopped.
INSERT INTO connections (id, name, account_sid, is_second, account_name, account_type, auth_token, verified_at, created_at, disabled_at, stopped_at, stopped_reason)
SELECT bench.connection_id(n), (ARRAY['Shop', 'Germany', 'Newsletter', 'Support', 'Before the merger'])[n], 'ACbe000000000000000000000000000001', n > 1, 'Bench', 'Full', '\x00',
    bench.time(ends - 86400000::bigint), bench.time(ends - 1094 * 86400000::bigint), CASE WHEN n = 3 THEN bench.time(ends - 86400000::bigint) END,
    CASE WHEN n = 5 THEN bench.time(ends - 86400000::bigint) END, CASE WHEN n = 5 THEN 'Twilio says that the account is suspended.' END
FROM bench.size, generate_series(1, 5) AS n;
INSERT INTO senders (id, connection_id, kind, address, twilio_sid, name, sms_capable, mms_capable, parts_per_second, created_at)
SELECT bench.sender_id(n), bench.connection_id(c), CASE WHEN n % 4 = 0 THEN 'messaging_service' ELSE 'phone_number' END,
    CASE WHEN n % 4 = 0 THEN 'MG' || md5(n::text) ELSE '+1206555' || (1000 + n) END, CASE WHEN n % 4 = 0 THEN 'MG' ELSE 'PN' END || md5(n::text),
    'Sender ' || n, true, n % 2 = 0, CASE WHEN n = 2 THEN 1.0 END, bench.time(ends - 1093 * 86400000::bigint)
FROM bench.size, unnest(ARRAY[1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5]) WITH ORDINALITY AS s (c, n);
INSERT INTO rejected_webhooks (connection_id, hook, reason, detail, received_at)
SELECT bench.connection_id(1 + n % 2), CASE WHEN n % 3 = 0 THEN 'inbound' ELSE 'status' END, (ARRAY['unsigned', 'wrong_signature', 'wrong_address'])[1 + n % 3],
    'Twilio signed it for another address.', bench.time(ends - (2000 - n) * 60000)
FROM bench.size, generate_series(1, 2000) AS n;
INSERT INTO rejected_webhooks (hook, reason, detail, received_at)
SELECT 'inbound', 'unknown_connection', 'The URL does not name a connection.', bench.time(ends - (1000 - n) * 60000) FROM bench.size, generate_series(1, 1000) AS n;
INSERT INTO prices (connection_id, country, unit, parts, amount, learned_at)
SELECT bench.connection_id(1), country, 'USD', 1000, 8.3, bench.time(ends) FROM bench.size, unnest(ARRAY['US', 'DE', 'FR', 'GB']) AS country;

-- Nearly all contacts have the first tag, half have the second, only old ones the third, only new ones the fourth, a dozen the fifth, none
-- the sixth; the seventh is the tag of a STOP. The others have between none and several thousand contacts.
INSERT INTO tags (id, name, created_at)
SELECT bench.tag_id(n), coalesce((ARRAY['Customer', 'Newsletter', 'Founders', 'New this month', 'Beta testers', 'Unused', 'Twilio-Message-stop'])[n], 'Interest ' || n),
    bench.time(ends - 1090 * 86400000::bigint) FROM bench.size, generate_series(1, 300) AS n;

-- The first template has 300 versions, and half of all messages use it.
INSERT INTO templates (id, name, version, created_at, updated_at, archived_at)
SELECT bench.template_id(n), CASE n WHEN 1 THEN 'Order update' ELSE 'Template ' || n END, CASE n WHEN 1 THEN 300 ELSE 1 + n % 4 END,
    bench.time(ends - 1092 * 86400000::bigint), bench.time(ends - n * 86400000::bigint), CASE WHEN n % 9 = 0 THEN bench.time(ends) END
FROM bench.size, generate_series(1, 500) AS n;
INSERT INTO template_versions (template_id, version, body, created_at, created_by)
SELECT t.id, v, 'Hi {{ contact.first_name | default(value="there") }}, your order {{ event.order_id }} is on its way (' || v || '). Reply STOP to opt out.',
    t.created_at + v * interval '1 day', bench.user_id(1 + v % 60)
FROM templates AS t, LATERAL generate_series(1, t.version) AS v;

-- 14 automations have sent messages, each from one sender; the 15th has very many waiting enrollments; the 16th is paused; the others are
-- drafts. `share` is the percentage of all messages, see bench.slots.
CREATE TABLE bench.automations (n bigint, name text, status text, trigger jsonb, share int, sender bigint, template bigint, step int, versions int);
INSERT INTO bench.automations VALUES
    (1, 'Order shipped', 'active', '{"type": "event", "name": "order_completed"}', 25, 1, 1, 0, 25),
    (2, 'Welcome', 'active', '{"type": "contact_created"}', 17, 2, 1, 0, 5),
    (3, 'Abandoned cart', 'active', '{"type": "event", "name": "cart_abandoned"}', 12, 4, 1, 1, 8),
    (4, 'Delivery survey', 'active', '{"type": "event", "name": "order_delivered"}', 8, 3, 2, 0, 3),
    (5, 'Birthday', 'active', '{"type": "event", "name": "birthday"}', 6, 5, 3, 0, 2),
    (6, 'VIP', 'active', '{"type": "tag_added", "tag": "Customer"}', 5, 5, 4, 0, 2),
    (7, 'Back in stock', 'active', '{"type": "event", "name": "back_in_stock"}', 4, 6, 5, 0, 1),
    (8, 'Payment reminder', 'active', '{"type": "event", "name": "payment_due"}', 3, 7, 6, 0, 1),
    (9, 'Weekly letter', 'paused', '{"type": "tag_added", "tag": "Newsletter"}', 3, 8, 7, 0, 4),
    (10, 'Events nearby', 'paused', '{"type": "tag_added", "tag": "Newsletter"}', 2, 9, 8, 0, 1),
    (11, 'Support follow-up', 'active', '{"type": "event", "name": "ticket_closed"}', 1, 10, 9, 0, 1),
    (12, 'Old shop', 'paused', '{"type": "event", "name": "old_order"}', 1, 11, 10, 0, 1),
    (13, 'Spring sale, a year ago', 'paused', '{"type": "tag_added", "tag": "Founders"}', 0, 4, 11, 0, 1),
    (14, 'Once in a blue moon', 'active', '{"type": "event", "name": "blue_moon"}', 0, 12, 12, 0, 1),
    (15, 'After half a year', 'active', '{"type": "contact_created"}', 0, 1, 13, 1, 3),
    (16, 'Never begun', 'paused', '{"type": "event", "name": "never"}', 0, 1, 14, 0, 1);
INSERT INTO bench.automations SELECT n, 'Draft ' || n, 'draft', '{"type": "event"}', 0, 1, n, 0, 1 FROM generate_series(17, 40) AS n;
INSERT INTO automations (id, name, status, version, created_at, updated_at)
SELECT bench.automation_id(n), name, status, versions, bench.time(ends - 1091 * 86400000::bigint), bench.time(ends - n * 86400000::bigint)
FROM bench.automations, bench.size;
INSERT INTO automation_versions (automation_id, version, trigger, steps, created_at)
SELECT bench.automation_id(n), v, trigger,
    CASE step WHEN 0 THEN '[]'::jsonb ELSE jsonb_build_array(jsonb_build_object('type', 'wait', 'seconds', CASE n WHEN 15 THEN 15552000 ELSE 3600 END)) END
    || jsonb_build_array(jsonb_build_object('type', 'send_sms', 'template_id', bench.template_id(template), 'sender_id', bench.sender_id(sender), 'to', 'contact.phone')),
    bench.time(ends - (1091 - v) * 86400000::bigint)
FROM bench.automations, bench.size, LATERAL generate_series(1, versions) AS v;

INSERT INTO audit_log (id, at, actor_kind, actor_id, actor_name, kind, subject_id, summary)
SELECT bench.id(at, 10, n), bench.time(at), kind, CASE WHEN kind <> 'command_line' THEN bench.user_id(who) END,
    coalesce(u.name, 'The command line'), (ARRAY['user', 'user', 'api_key', 'organization'])[1 + bench.dice(n, 2, 4)], bench.user_id(1 + bench.dice(n, 3, 60)),
    'changed the role of user' || bench.dice(n, 3, 60) || '@example.com'
FROM (SELECT n, ends - (100000 - n) * 900000 AS at, CASE WHEN n % 50 = 0 THEN 'command_line' ELSE 'user' END AS kind,
        -- One user has a single entry, long ago.
        CASE WHEN n = 10 THEN 60 ELSE 1 + bench.dice(n, 1, 59) END AS who
      FROM bench.size, generate_series(1::bigint, 100000) AS n) AS done
    LEFT JOIN users AS u ON u.id = bench.user_id(who) AND kind <> 'command_line';
INSERT INTO message_views (id, name, query, created_by, created_at)
SELECT bench.id(ends, 11, n), 'View ' || n, 'outcome=failed', bench.user_id(n), bench.time(ends) FROM bench.size, generate_series(1, 30) AS n;

-- A hundred sources with a week of counts, ten of them busy; the first has as many deliveries as are kept.
INSERT INTO sources (id, name, kind, mapping, verification, created_at, updated_at, last_seen_at)
SELECT bench.source_id(n), 'Source ' || n, (ARRAY['segment', 'webhook'])[1 + n % 2], '{}', '{"type": "key"}',
    bench.time(ends - 1089 * 86400000::bigint), bench.time(ends), bench.time(ends)
FROM bench.size, generate_series(1, 100) AS n;
INSERT INTO source_keys (id, source_id, prefix, key_hash, created_at)
SELECT bench.id(ends - n * 86400000::bigint, 15, n), bench.source_id(n), 'sk_' || left(md5(n::text), 6), sha256(('source ' || n)::bytea), bench.time(ends)
FROM bench.size, generate_series(1, 100) AS n;
INSERT INTO source_counts (source_id, quarter, shard, accepted)
SELECT bench.source_id(n), date_bin('15 minutes', bench.time(ends - q * 900000::bigint), 'epoch'), shard, 1000
FROM bench.size, generate_series(1, 100) AS n, generate_series(0, 671) AS q, LATERAL generate_series(0, CASE WHEN n <= 10 THEN 7 ELSE 0 END) AS shard;
INSERT INTO source_deliveries (source_id, received_at, outcome, reason, body)
SELECT bench.source_id(1), bench.time(ends - n * 60000), 'rejected', 'There is no phone number at $.customer.phone.', convert_to(repeat('x', 4000), 'UTF8')
FROM bench.size, generate_series(1, 100) AS n;
