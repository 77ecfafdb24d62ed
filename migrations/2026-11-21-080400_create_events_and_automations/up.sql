-- No foreign keys here: see docs/adr/0004.
CREATE TABLE events (
    id uuid PRIMARY KEY,
    client_id text COLLATE "C",
    name text NOT NULL,
    contact_id uuid NOT NULL,
    properties json NOT NULL DEFAULT '{}',
    occurred_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT events_properties_is_object CHECK (json_typeof(properties) = 'object')
);
-- The sender's own id makes a repeated report a no-op.
CREATE UNIQUE INDEX events_client_id_key ON events (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX events_contact_id_idx ON events (contact_id, id);
COMMENT ON TABLE events IS 'What contacts did, reported from outside.';

CREATE TABLE automations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    status text NOT NULL DEFAULT 'draft',
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT automations_status_known CHECK (status IN ('draft', 'active', 'paused'))
);
CREATE UNIQUE INDEX automations_name_key ON automations (lower(name));

CREATE TABLE automation_versions (
    automation_id uuid NOT NULL REFERENCES automations (id) ON DELETE CASCADE,
    version integer NOT NULL,
    trigger jsonb NOT NULL,
    steps jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (automation_id, version)
);
COMMENT ON TABLE automation_versions IS 'Each definition that an automation has had: an enrollment finishes with the one it began with.';

-- No foreign keys: see docs/adr/0004. What an enrollment names was locked or made in the transaction that makes it, and only contacts
-- are ever deleted, their enrollments with them.
CREATE TABLE enrollments (
    id uuid PRIMARY KEY,
    automation_id uuid NOT NULL,
    version integer NOT NULL,
    contact_id uuid NOT NULL,
    event_id uuid,
    cause text COLLATE "C" NOT NULL,
    status text NOT NULL DEFAULT 'active',
    step smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    reason text,
    CONSTRAINT enrollments_status_known CHECK (status IN ('active', 'completed', 'failed')),
    CONSTRAINT enrollments_finished_with_time CHECK ((status = 'active') = (finished_at IS NULL)),
    CONSTRAINT enrollments_failed_with_reason CHECK (status <> 'failed' OR reason IS NOT NULL)
-- Room for a second version of all rows of a page, since neighbours move on together; see docs/adr/0003.
) WITH (fillfactor = 50);
-- For the newest of an automation. No index names status, step or due_at, so that moving on is a HOT update.
CREATE INDEX enrollments_automation_id_idx ON enrollments (automation_id, id);
CREATE INDEX enrollments_contact_id_idx ON enrollments (contact_id, id);
COMMENT ON TABLE enrollments IS 'One contact''s passage through one automation.';
COMMENT ON COLUMN enrollments.id IS 'Made of automation and cause: the same cause never enrolls a contact twice, however often it is reported or retried.';
COMMENT ON COLUMN enrollments.cause IS 'What started it: event:<id>, tag:<contact>:<tag>:<time>, contact:<id>.';
COMMENT ON COLUMN enrollments.step IS 'Index of the next step to run, from 0.';
COMMENT ON COLUMN enrollments.due_at IS 'When the next step is due.';

-- How much is noted of the columns stands in the migration of the messages, for all tables that grow.

-- Not counted while they are small: from a count of a few rows PostgreSQL would plan to read all of them for each row of a batch, and
-- keep that plan while they become many.
ALTER TABLE events SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 1000, autovacuum_analyze_threshold = 1000);
ALTER TABLE enrollments SET (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_insert_threshold = 1000, autovacuum_analyze_threshold = 1000);
