-- Domains, because PostgreSQL keeps their checks ready, whereas it reads those of a table anew for each statement.
CREATE DOMAIN message_direction AS text CHECK (VALUE IN ('outbound', 'inbound'));
CREATE DOMAIN message_encoding AS text CHECK (VALUE IN ('gsm7', 'ucs2'));
CREATE DOMAIN message_status AS text CHECK (VALUE IN (
    'pending', 'submitting', 'unconfirmed', 'accepted', 'scheduled', 'queued', 'sending', 'sent',
    'delivered', 'undelivered', 'failed', 'canceled', 'read', 'suppressed', 'skipped', 'expired', 'received'));
CREATE DOMAIN report_source AS text CHECK (VALUE IN ('carillon', 'response', 'callback', 'lookup'));

-- No foreign keys on what grows with every message: see docs/adr/0004.
-- What always has the same width comes first, then what indexes name, and long texts last: PostgreSQL walks through a row from the left.
CREATE TABLE messages (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    status_at timestamptz NOT NULL,
    parts smallint NOT NULL,
    status message_status NOT NULL,
    direction message_direction NOT NULL,
    encoding message_encoding NOT NULL,
    to_address text NOT NULL,
    sender_id uuid,
    contact_id uuid,
    automation_id uuid,
    enrollment_id uuid,
    step smallint,
    request_key text COLLATE "C",
    retry_of uuid,
    retried_at timestamptz,
    template_id uuid,
    template_version integer,
    error_code integer,
    reason text,
    twilio_sid text,
    former_sids text[],
    from_address text,
    body text NOT NULL,
    media_urls text[] NOT NULL DEFAULT '{}',
    CONSTRAINT messages_inbound_is_received CHECK ((direction = 'inbound') = (status = 'received')),
    CONSTRAINT messages_own_end_has_reason CHECK (status NOT IN ('suppressed', 'skipped', 'expired') OR reason IS NOT NULL)
-- Messages that lie side by side are claimed, recorded and reported together: a page needs room for a second version of all its rows.
) WITH (fillfactor = 45);
-- No index names `status` or `twilio_sid`: they change four to six times in a message's life, and an index on them would make each of
-- those updates write every index of the table (a HOT update writes none). See docs/adr/0003.
-- A step that runs again after a crash finds its message instead of making a second one.
CREATE UNIQUE INDEX messages_enrollment_id_step_key ON messages (enrollment_id, step) WHERE enrollment_id IS NOT NULL;
CREATE UNIQUE INDEX messages_request_key_key ON messages (request_key, direction) WHERE request_key IS NOT NULL;
-- However often somebody asks for it, a message is retried once.
CREATE UNIQUE INDEX messages_retry_of_key ON messages (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX messages_contact_id_idx ON messages (contact_id, id);
CREATE INDEX messages_automation_id_idx ON messages (automation_id, id) WHERE automation_id IS NOT NULL;
CREATE INDEX messages_to_address_idx ON messages (to_address, id);
COMMENT ON TABLE messages IS 'Every SMS, MMS or WhatsApp message, out or in.';
COMMENT ON COLUMN messages.reason IS 'Why a message ended without a delivery report: the suppression, the missing variable, the refusal.';
COMMENT ON COLUMN messages.former_sids IS 'Twilio''s ids of what it accepted and then dropped unsent, before the message was handed over once more.';
COMMENT ON COLUMN messages.request_key IS 'What made it, so that a repeat finds it: the Idempotency-Key of an API request; Twilio''s SID of what came in.';
COMMENT ON COLUMN messages.retry_of IS 'The message that certainly never reached anybody, and that this one repeats.';
COMMENT ON COLUMN messages.retried_at IS 'When another message repeated this one; what counts from then on is that one.';
COMMENT ON COLUMN messages.status_at IS 'When status last changed.';

CREATE TABLE attempts (
    message_id uuid NOT NULL,
    number smallint NOT NULL,
    worker_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL,
    finished_at timestamptz,
    outcome text,
    http_status smallint,
    error_code integer,
    twilio_request_id text,
    duration_ms integer,
    PRIMARY KEY (message_id, number),
    CONSTRAINT attempts_outcome_known CHECK (outcome IN ('accepted', 'refused', 'busy', 'not_sent', 'unknown')),
    CONSTRAINT attempts_finished_with_outcome CHECK ((finished_at IS NULL) = (outcome IS NULL))
-- Each row is updated once, soon after it was inserted, and more than doubles by it: room for that in its page makes it a HOT update.
) WITH (fillfactor = 30);
COMMENT ON TABLE attempts IS 'Each POST to Twilio: written before the call, finished after it.';

CREATE TABLE delivery_events (
    message_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    status text NOT NULL,
    source report_source NOT NULL,
    error_code integer,
    applied boolean NOT NULL,
    received_at timestamptz NOT NULL,
    params json,
    PRIMARY KEY (message_id, id)
);
COMMENT ON TABLE delivery_events IS 'Every status report as it came, also late, repeated and contradicting ones.';
COMMENT ON COLUMN delivery_events.source IS 'carillon: we decided it; response: Twilio''s answer to our POST; callback: Twilio called us; lookup: we asked Twilio.';
COMMENT ON COLUMN delivery_events.params IS 'All that Twilio said, as a JSON object in its own order; nothing is looked for in it.';
COMMENT ON COLUMN delivery_events.applied IS 'Whether it moved the message''s status forward.';

-- Of all tables that grow: ANALYZE takes a sample of 300 rows for each of what is noted of a column: 6,000 instead of 30,000, which is a fifth of the work, and enough
-- for a dozen statuses and automations.
DO $$
DECLARE grows record;
BEGIN
    FOR grows IN SELECT attrelid::regclass AS name, attname FROM pg_attribute
        WHERE attrelid IN ('events'::regclass, 'enrollments'::regclass, 'messages'::regclass, 'attempts'::regclass, 'delivery_events'::regclass) AND attnum > 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS 20', grows.name, grows.attname);
    END LOOP;
END $$;
-- Nothing is looked for by what these columns hold: to sample and sort it would be most of the rest.
ALTER TABLE messages ALTER COLUMN body SET STATISTICS 0, ALTER COLUMN media_urls SET STATISTICS 0,
    ALTER COLUMN former_sids SET STATISTICS 0;
ALTER TABLE delivery_events ALTER COLUMN params SET STATISTICS 0;
ALTER TABLE events ALTER COLUMN properties SET STATISTICS 0;

-- Not counted while they are small: from a count of a few rows PostgreSQL would plan to read all of them for each row of a batch, and
-- keep that plan while they become many.
ALTER TABLE messages SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 1000, autovacuum_analyze_threshold = 1000);
ALTER TABLE attempts SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 1000, autovacuum_analyze_threshold = 1000);
ALTER TABLE delivery_events SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 1000, autovacuum_analyze_threshold = 1000);
