CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    phone text NOT NULL,
    first_name text,
    last_name text,
    email text,
    external_id text,
    attributes jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT contacts_phone_is_e164 CHECK (phone ~ '^\+[1-9][0-9]{4,14}$'),
    CONSTRAINT contacts_attributes_is_object CHECK (jsonb_typeof(attributes) = 'object')
);
-- text_pattern_ops: the same indexes also answer a search for the beginning, whatever the database's collation.
CREATE UNIQUE INDEX contacts_phone_key ON contacts (phone text_pattern_ops);
CREATE UNIQUE INDEX contacts_external_id_key ON contacts (external_id text_pattern_ops) WHERE external_id IS NOT NULL;
-- Each is one question of the search box, see src/contacts/search.rs. Not partial: PostgreSQL would not know how many rows
-- match a prefix, and walk the whole table for one that is rare.
CREATE INDEX contacts_full_name_idx ON contacts (lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) text_pattern_ops);
CREATE INDEX contacts_last_name_idx ON contacts (lower(last_name) text_pattern_ops);
CREATE INDEX contacts_email_idx ON contacts (lower(email) text_pattern_ops);
CREATE INDEX contacts_phone_backwards_idx ON contacts (reverse(phone) text_pattern_ops);
COMMENT ON TABLE contacts IS 'People, each with one phone number.';

CREATE TABLE tags (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX tags_name_key ON tags (lower(name));
COMMENT ON TABLE tags IS 'Labels on contacts; Twilio-Message-stop is one.';

CREATE TABLE contact_tags (
    contact_id uuid NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    tag_id uuid NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    added_at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, tag_id)
);
CREATE INDEX contact_tags_tag_id_contact_id_idx ON contact_tags (tag_id, contact_id);

CREATE TABLE removed_tags (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id uuid NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    tag_id uuid NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    added_at timestamptz NOT NULL,
    removed_at timestamptz NOT NULL
);
CREATE INDEX removed_tags_contact_id_idx ON removed_tags (contact_id, id);
COMMENT ON TABLE removed_tags IS 'Tags that contacts had, for their timelines. Rows are only ever added.';

CREATE TABLE suppressions (
    id uuid PRIMARY KEY,
    phone text NOT NULL,
    reason text NOT NULL,
    since timestamptz NOT NULL,
    lifted_at timestamptz,
    CONSTRAINT suppressions_reason_known CHECK (reason IN ('stop', 'manual', 'carrier_21610', 'carrier_blocked', 'invalid_number'))
);
-- One active suppression per number and reason; lifted ones stay as history.
CREATE UNIQUE INDEX suppressions_active_key ON suppressions (phone, reason) WHERE lifted_at IS NULL;
-- For how many have opted out lately.
CREATE INDEX suppressions_since_idx ON suppressions (since);
COMMENT ON TABLE suppressions IS 'Why a number may not be texted; keyed by number, so that it outlives the contact.';

CREATE TABLE consent_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phone text NOT NULL,
    change text NOT NULL,
    source text NOT NULL,
    reason text,
    message_id uuid,
    user_id uuid REFERENCES users (id) ON DELETE SET NULL,
    note text,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT consent_records_change_known CHECK (change IN ('suppressed', 'lifted')),
    CONSTRAINT consent_records_source_known CHECK (source IN ('keyword', 'lookup', 'twilio', 'admin', 'api'))
);
CREATE INDEX consent_records_phone_idx ON consent_records (phone, id);
COMMENT ON TABLE consent_records IS 'Evidence: each time that a number was suppressed or lifted, by what and when. Rows are only ever added.';
COMMENT ON COLUMN consent_records.message_id IS 'The inbound message with the keyword, or the refused outbound one.';
COMMENT ON COLUMN consent_records.note IS 'The keyword as it was written, Twilio''s error code, or the reason that a person gave.';
