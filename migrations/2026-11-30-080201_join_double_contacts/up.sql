-- One telephone line is one contact (docs/adr/0012). Numbers from before a renumbering become the current ones, and the contacts that
-- one line had under several numbers become one: the one with an external id, or else the oldest. Suppressions go first.

-- The gate of deletions (src/contacts/deletion.rs): nothing refers to a contact anew while contacts are joined.
SELECT pg_advisory_xact_lock(4846245140254049536);
LOCK TABLE contacts, suppressions IN SHARE ROW EXCLUSIVE MODE;

-- The rules of src/types/phone/line.rs.
CREATE FUNCTION pg_temp.current_phone(phone text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN phone ~ '^\+521[2-9][0-9]{9}$' THEN '+52' || substr(phone, 5)
        WHEN phone ~ '^\+55[1-9][1-9][689][0-9]{7}$' THEN substr(phone, 1, 5) || '9' || substr(phone, 6)
        WHEN phone ~ '^\+229[24-69][0-9]{7}$' THEN '+22901' || substr(phone, 5)
        WHEN phone ~ '^\+225(0[1-3]|[4-7][0-3])[0-9]{6}$' THEN '+22501' || substr(phone, 5)
        WHEN phone ~ '^\+225[04-9][4-6][0-9]{6}$' THEN '+22505' || substr(phone, 5)
        WHEN phone ~ '^\+225[04-9][7-9][0-9]{6}$' THEN '+22507' || substr(phone, 5)
        WHEN phone ~ '^\+841[0-9]{9}$' THEN coalesce((
            SELECT '+84' || new || substr(phone, 7)
            FROM (VALUES ('162', '32'), ('163', '33'), ('164', '34'), ('165', '35'), ('166', '36'), ('167', '37'), ('168', '38'),
                ('169', '39'), ('120', '70'), ('121', '79'), ('122', '77'), ('126', '76'), ('128', '78'), ('123', '83'), ('124', '84'),
                ('125', '85'), ('127', '81'), ('129', '82'), ('186', '56'), ('188', '58'), ('199', '59')) AS prefixes (old, new)
            WHERE old = substr(phone, 4, 3)), phone)
        WHEN phone ~ '^\+237[579][0-9]{7}$' THEN '+2376' || substr(phone, 5)
        ELSE phone END
$$;
-- The same for every way to write the number of one line.
CREATE FUNCTION pg_temp.line(phone text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN phone ~ '^\+549[1-3][0-9]{9}$' THEN '+54' || substr(phone, 5) ELSE pg_temp.current_phone(phone) END
$$;
CREATE FUNCTION pg_temp.other_form(phone text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN phone ~ '^\+549[1-3][0-9]{9}$' THEN '+54' || substr(phone, 5)
        WHEN phone ~ '^\+54[1-3][0-9]{9}$' THEN '+549' || substr(phone, 4) END
$$;

-- The contacts of these countries; the others are looked at once, by their first digits alone.
CREATE TEMP TABLE known ON COMMIT DROP AS
    SELECT id, phone AS old, pg_temp.current_phone(phone) AS phone, pg_temp.line(phone) AS line, external_id IS NULL AS is_bare, created_at
    FROM contacts WHERE phone ~ '^\+(52|54|55|84|225|229|237)';

-- 1. Suppressions that are a person's will hold for the line. A fault of the former number (21211) stays with that number.
CREATE TEMP TABLE wills ON COMMIT DROP AS
    SELECT id, phone AS old, pg_temp.current_phone(phone) AS phone, reason, since, lifted_at,
        row_number() OVER (PARTITION BY pg_temp.current_phone(phone), reason, lifted_at IS NULL ORDER BY since, id) AS place
    FROM suppressions WHERE reason IN ('stop', 'carrier_21610', 'manual');
-- Of two that are active for one reason, the older one stays; what proves the other stays among the consent records.
DELETE FROM suppressions s USING wills w WHERE w.id = s.id AND w.lifted_at IS NULL AND w.place > 1;
UPDATE suppressions s SET phone = w.phone FROM wills w WHERE w.id = s.id AND w.phone <> w.old;
-- Argentina: both forms are silenced, and the opt-out counts once.
UPDATE suppressions s SET counted = false
WHERE s.lifted_at IS NULL AND s.reason IN ('stop', 'carrier_21610', 'manual') AND s.phone LIKE '+549%'
    AND EXISTS (SELECT FROM suppressions o WHERE o.phone = pg_temp.other_form(s.phone) AND o.reason = s.reason AND o.lifted_at IS NULL);
INSERT INTO suppressions (id, phone, reason, since, counted)
SELECT gen_random_uuid(), pg_temp.other_form(phone), reason, since, false FROM suppressions
WHERE lifted_at IS NULL AND reason IN ('stop', 'carrier_21610', 'manual') AND pg_temp.other_form(phone) IS NOT NULL
ON CONFLICT DO NOTHING;
UPDATE consent_records SET phone = pg_temp.current_phone(phone)
WHERE phone ~ '^\+(521|55|84|225|229|237)' AND pg_temp.current_phone(phone) <> phone AND (reason IS NULL OR reason IN ('stop', 'carrier_21610', 'manual'));
UPDATE users SET test_phone = pg_temp.current_phone(test_phone) WHERE pg_temp.current_phone(test_phone) <> test_phone;

-- 2. What is still to be sent goes to the current number, where suppressions are looked up. Only where old numbers are known at all:
-- it reads the messages once.
DO $$
BEGIN
    IF EXISTS (SELECT FROM known WHERE phone <> old) OR EXISTS (SELECT FROM wills WHERE phone <> old) THEN
        UPDATE messages SET to_address = pg_temp.current_phone(to_address)
        WHERE status = 'pending' AND to_address ~ '^\+(521|55|84|225|229|237)' AND pg_temp.current_phone(to_address) <> to_address;
    END IF;
END $$;

-- 3. Contacts of one line.
CREATE TEMP TABLE doubles ON COMMIT DROP AS
    SELECT * FROM (
        SELECT id, first_value(id) OVER one_line AS survivor, row_number() OVER one_line AS place, count(*) OVER (PARTITION BY line) AS contacts
        FROM known
        WINDOW one_line AS (PARTITION BY line ORDER BY is_bare, created_at, id)
    ) AS grouped WHERE contacts > 1;
CREATE INDEX ON doubles (id);

INSERT INTO contact_tags (contact_id, tag_id, added_at)
SELECT d.survivor, t.tag_id, min(t.added_at) FROM contact_tags t JOIN doubles d ON d.id = t.contact_id WHERE d.place > 1
GROUP BY d.survivor, t.tag_id
ON CONFLICT DO NOTHING;
UPDATE removed_tags t SET contact_id = d.survivor FROM doubles d WHERE d.id = t.contact_id AND d.place > 1;
UPDATE events e SET contact_id = d.survivor FROM doubles d WHERE d.id = e.contact_id AND d.place > 1;
UPDATE enrollments e SET contact_id = d.survivor FROM doubles d WHERE d.id = e.contact_id AND d.place > 1;
UPDATE messages m SET contact_id = d.survivor FROM doubles d WHERE d.id = m.contact_id AND d.place > 1;

-- What is empty is filled in; what differs is kept as an attribute: joined_email, joined_external_id …
DO $$
DECLARE
    other record;
    lost jsonb;
BEGIN
    FOR other IN
        SELECT d.survivor, c.* FROM doubles d JOIN contacts c ON c.id = d.id WHERE d.place > 1 ORDER BY d.survivor, d.place
    LOOP
        -- First: two contacts never have the same external id.
        DELETE FROM contacts WHERE id = other.id;
        SELECT coalesce(jsonb_object_agg(name, value), '{}') INTO lost FROM (
            SELECT 'joined_' || field || CASE WHEN s.attributes ? ('joined_' || field) THEN '_' || left(other.id::text, 8) ELSE '' END AS name,
                to_jsonb(differs) AS value
            FROM contacts s, LATERAL (VALUES
                ('first_name', s.first_name, other.first_name), ('last_name', s.last_name, other.last_name),
                ('email', s.email, other.email), ('external_id', s.external_id, other.external_id)) AS fields (field, own, differs)
            WHERE s.id = other.survivor AND own <> differs
        ) AS differing;
        UPDATE contacts s SET
            first_name = coalesce(s.first_name, other.first_name),
            last_name = coalesce(s.last_name, other.last_name),
            email = coalesce(s.email, other.email),
            external_id = coalesce(s.external_id, other.external_id),
            attributes = lost || other.attributes || s.attributes,
            created_at = least(s.created_at, other.created_at),
            updated_at = now()
        WHERE s.id = other.survivor;
        INSERT INTO audit_log (id, at, actor_kind, actor_name, kind, subject_id, summary)
        VALUES ((lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
                || substr(md5(other.id::text), 1, 3) || '8' || substr(md5(other.id::text), 4, 15))::uuid,
            now(), 'command_line', 'The upgrade', 'contact', other.survivor, 'joined two contacts of one telephone line');
    END LOOP;
END $$;
UPDATE contacts c SET phone = k.phone FROM known k WHERE k.id = c.id AND k.phone <> k.old;

-- A contact that has opted out has the tag, also where only the other number had.
INSERT INTO contact_tags (contact_id, tag_id, added_at)
SELECT DISTINCT ON (c.id) c.id, t.id, s.since
FROM suppressions s JOIN contacts c ON c.phone = s.phone JOIN tags t ON lower(t.name) = 'twilio-message-stop'
WHERE s.lifted_at IS NULL AND s.reason IN ('stop', 'carrier_21610') AND (s.phone LIKE '+54%' OR s.phone IN (SELECT phone FROM wills WHERE phone <> old))
ORDER BY c.id, s.since
ON CONFLICT DO NOTHING;

-- An Argentine line is one contact, with or without its 9; the rest of the world is in contacts_phone_key.
CREATE UNIQUE INDEX contacts_argentine_line_key ON contacts (right(phone, 10))
    WHERE phone LIKE '+54%' AND (length(phone) = 13 OR (length(phone) = 14 AND phone LIKE '+549%'));

DROP FUNCTION pg_temp.other_form(text);
DROP FUNCTION pg_temp.line(text);
DROP FUNCTION pg_temp.current_phone(text);
