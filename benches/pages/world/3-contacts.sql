-- Contacts with their tags and suppressions.
INSERT INTO contacts (id, phone, first_name, last_name, email, external_id, attributes, created_at, updated_at)
SELECT bench.id(at, 1, c), bench.phone(c), first_name, last_name,
    -- The oldest 3 % share an email prefix, as after an import from an old shop.
    CASE WHEN c < (SELECT contacts * 3 / 100 FROM bench.size) THEN 'legacy.' ELSE '' END || lower(translate(first_name || '.' || last_name, 'ëéöü', 'eeou')) || c || '@example.com',
    'customer-' || c, jsonb_build_object('city', (ARRAY['Seattle', 'Berlin', 'Lyon', 'Porto', 'Oslo'])[1 + c % 5], 'orders', c % 17), bench.time(at), bench.time(at)
FROM (SELECT c, bench.contact_at(c, contacts, ends) AS at,
        -- One unique name, of an early contact.
        CASE WHEN c = contacts / 3 THEN 'Zebedee' ELSE f.name END AS first_name, CASE WHEN c = contacts / 3 THEN 'Quillfeather' ELSE l.name END AS last_name
      FROM bench.size, generate_series(0, contacts - 1) AS c
        JOIN bench.first_names AS f ON f.number = bench.dice(c, 10, (SELECT count(*) FROM bench.first_names))
        JOIN bench.last_names AS l ON l.number = bench.dice(c, 11, (SELECT count(*) FROM bench.last_names))
      ORDER BY c) AS people;

INSERT INTO contact_tags (contact_id, tag_id, added_at)
SELECT bench.contact(c, contacts, ends), bench.tag_id(tag), bench.time(bench.contact_at(c, contacts, ends) + tag * 60000)
FROM bench.size, generate_series(0, contacts - 1) AS c, LATERAL (
    SELECT 1 AS tag WHERE c % 10 <> 3
    UNION ALL SELECT 2 WHERE bench.dice(c, 12, 2) = 0
    UNION ALL SELECT 3 WHERE c < contacts * 3 / 100
    UNION ALL SELECT 4 WHERE c > contacts * 97 / 100
    UNION ALL SELECT 5 WHERE c % (contacts / 12) = 5
    UNION ALL SELECT 7 WHERE bench.stopped_at(c, contacts, ends) < ends
    -- The higher the number of a tag, the fewer contacts have it.
    UNION ALL SELECT 8 + (bench.dice(c, 14, 290) * bench.dice(c, 15, 290)) / 290 WHERE bench.dice(c, 13, 3) = 0) AS tagged;

INSERT INTO suppressions (id, phone, reason, since)
SELECT bench.id(at, 12, c), bench.phone(c), CASE WHEN c % 200 = 7 THEN 'carrier_21610' ELSE 'stop' END, bench.time(at)
FROM bench.size, generate_series(0, contacts - 1) AS c, LATERAL (SELECT bench.stopped_at(c, contacts, ends) AS at) AS s WHERE at < ends;
INSERT INTO suppressions (id, phone, reason, since, lifted_at)
SELECT bench.id(at, 13, c), bench.phone(c), 'manual', bench.time(at), bench.time(at + 86400000::bigint)
FROM bench.size, generate_series(0, contacts - 1, 200) AS c, LATERAL (SELECT bench.contact_at(c, contacts, ends) + 3600000 AS at) AS s;
INSERT INTO consent_records (phone, change, source, reason, note, recorded_at)
SELECT phone, 'suppressed', CASE reason WHEN 'stop' THEN 'keyword' WHEN 'manual' THEN 'admin' ELSE 'twilio' END, reason,
    CASE reason WHEN 'stop' THEN 'STOP' WHEN 'manual' THEN 'They asked by telephone.' ELSE '21610' END, since FROM suppressions ORDER BY since;
INSERT INTO consent_records (phone, change, source, reason, note, recorded_at)
SELECT phone, 'lifted', 'admin', reason, 'They asked for it again.', lifted_at FROM suppressions WHERE lifted_at IS NOT NULL ORDER BY lifted_at;
