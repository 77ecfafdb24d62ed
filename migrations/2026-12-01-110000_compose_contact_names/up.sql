-- Names as src/contacts/fields.rs parses them: composed (NFC) and with single blanks, so that the search finds them however they were typed.
-- The table is read once, and only the rows that differ are locked, in the order of their ids, since old processes change contacts meanwhile.
CREATE FUNCTION pg_temp.composed(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT btrim(regexp_replace(normalize(name, NFC), '[ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+', ' ', 'g'))
$$;
DO $$
BEGIN
    -- PostgreSQL composes no text in another encoding.
    IF getdatabaseencoding() = 'UTF8' THEN
        WITH differing AS MATERIALIZED (
            SELECT id FROM contacts
            WHERE first_name <> pg_temp.composed(first_name) OR last_name <> pg_temp.composed(last_name)
            ORDER BY id FOR NO KEY UPDATE
        )
        UPDATE contacts SET first_name = pg_temp.composed(first_name), last_name = pg_temp.composed(last_name)
        FROM differing WHERE contacts.id = differing.id;
    END IF;
END $$;
DROP FUNCTION pg_temp.composed(text);
