CREATE TABLE sources (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    mapping jsonb NOT NULL,
    verification jsonb NOT NULL,
    verification_secret bytea,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    last_seen_at timestamptz,
    CONSTRAINT sources_kind_known CHECK (kind IN ('segment', 'webhook')),
    CONSTRAINT sources_mapping_is_object CHECK (jsonb_typeof(mapping) = 'object')
);
CREATE UNIQUE INDEX sources_name_key ON sources (lower(name));
COMMENT ON TABLE sources IS 'Where events and contacts come from: programs that speak Segment''s protocol, and webhooks.';
COMMENT ON COLUMN sources.verification_secret IS 'The secret of the webhook''s signature or header, sealed.';
COMMENT ON COLUMN sources.last_seen_at IS 'When a request was last accepted or rejected, to the minute.';

-- A replaced key is accepted until it expires.
CREATE TABLE source_keys (
    id uuid PRIMARY KEY,
    source_id uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
);
CREATE UNIQUE INDEX source_keys_key_hash_key ON source_keys (key_hash);
CREATE INDEX source_keys_source_id_idx ON source_keys (source_id);

-- Numbers by quarter hour, so that any time zone's days can be added up; several shards, so that transactions at the same time seldom
-- change the same row.
CREATE TABLE source_counts (
    source_id uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    quarter timestamptz NOT NULL,
    shard smallint NOT NULL,
    accepted bigint NOT NULL DEFAULT 0,
    repeated bigint NOT NULL DEFAULT 0,
    unreachable bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (source_id, quarter, shard)
) WITH (fillfactor = 50);
COMMENT ON COLUMN source_counts.unreachable IS 'Items about people whose phone number is not known: there is nobody to text.';

-- The newest hundred of each source are kept.
CREATE TABLE source_deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source_id uuid NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    received_at timestamptz NOT NULL,
    outcome text NOT NULL,
    reason text,
    content_type text,
    headers jsonb NOT NULL DEFAULT '{}',
    body bytea NOT NULL,
    event_id uuid,
    replayed_at timestamptz,
    CONSTRAINT source_deliveries_outcome_known CHECK (outcome IN ('accepted', 'repeated', 'unreachable', 'rejected')),
    CONSTRAINT source_deliveries_rejected_with_reason CHECK (outcome <> 'rejected' OR reason IS NOT NULL)
);
CREATE INDEX source_deliveries_source_id_idx ON source_deliveries (source_id, number);
COMMENT ON TABLE source_deliveries IS 'What sources sent last, to look at, to map and to replay; webhooks whole, of Segment''s protocol what was rejected.';

-- People that a source knows. Without a phone number there is no contact: what is known about them is kept until there is one.
CREATE TABLE profiles (
    id uuid PRIMARY KEY,
    contact_id uuid REFERENCES contacts (id) ON DELETE CASCADE,
    traits jsonb NOT NULL DEFAULT '{}',
    identified_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT profiles_traits_is_object CHECK (jsonb_typeof(traits) = 'object')
);
CREATE INDEX profiles_contact_id_idx ON profiles (contact_id) WHERE contact_id IS NOT NULL;
COMMENT ON COLUMN profiles.identified_at IS 'The time of the newest description that was applied: an older one only fills in what is missing.';

CREATE TABLE profile_keys (
    kind text NOT NULL,
    value text NOT NULL,
    profile_id uuid NOT NULL REFERENCES profiles (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, value),
    CONSTRAINT profile_keys_kind_known CHECK (kind IN ('user_id', 'anonymous_id', 'email'))
);
CREATE INDEX profile_keys_profile_id_idx ON profile_keys (profile_id);
COMMENT ON TABLE profile_keys IS 'What sources call people by. Email addresses are in lower case.';

ALTER TABLE events ADD COLUMN source_id uuid;
COMMENT ON COLUMN events.source_id IS 'The source that reported it; null if a program did by the API.';
