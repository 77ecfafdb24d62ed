CREATE TABLE organization (
    id boolean PRIMARY KEY DEFAULT true,
    name text NOT NULL DEFAULT 'Carillon',
    default_country text,
    time_zone text NOT NULL DEFAULT 'UTC',
    -- There is one organization per installation; the constant key makes a second row impossible.
    CONSTRAINT organization_is_single CHECK (id),
    CONSTRAINT organization_default_country_shape CHECK (default_country ~ '^[A-Z]{2}$')
);
COMMENT ON TABLE organization IS 'Settings of the whole installation: exactly one row.';
COMMENT ON COLUMN organization.default_country IS 'ISO 3166 country that numbers without a country code are read with; none means that they are refused.';
INSERT INTO organization DEFAULT VALUES;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    password_changed_at timestamptz NOT NULL,
    disabled_at timestamptz,
    test_phone text,
    CONSTRAINT users_email_is_lower CHECK (email = lower(email)),
    CONSTRAINT users_role_known CHECK (role IN ('admin', 'marketer', 'viewer'))
);
CREATE UNIQUE INDEX users_email_key ON users (email);
COMMENT ON TABLE users IS 'People who may sign in.';
COMMENT ON COLUMN users.test_phone IS 'The number that they sent their last test message to: most likely their own.';

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON TABLE sessions IS 'Signed-in browsers; the cookie holds the token, this table only its SHA-256.';

CREATE TABLE login_failures (
    subject_hash bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_failed_at timestamptz NOT NULL
);
COMMENT ON TABLE login_failures IS 'Recent failed log-ins by SHA-256 of the email address or of the client address, for throttling.';

CREATE TABLE setup_codes (
    code_hash bytea PRIMARY KEY,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE setup_codes IS 'One-time codes, printed in the log, that allow to create the first admin.';

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_role_known CHECK (role IN ('admin', 'marketer', 'viewer'))
);
CREATE UNIQUE INDEX api_keys_key_hash_key ON api_keys (key_hash);
COMMENT ON TABLE api_keys IS 'Programs that may use the JSON API; the key itself is shown once and only its SHA-256 is kept.';
COMMENT ON COLUMN api_keys.prefix IS 'First characters of the key, so that a person can tell keys apart.';
