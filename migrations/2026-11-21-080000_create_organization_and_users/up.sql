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
    seen_at timestamptz,
    time_zone text,
    theme text NOT NULL DEFAULT 'automatic',
    CONSTRAINT users_email_is_lower CHECK (email = lower(email)),
    CONSTRAINT users_role_known CHECK (role IN ('admin', 'marketer', 'viewer')),
    CONSTRAINT users_theme_known CHECK (theme IN ('automatic', 'light', 'dark'))
);
CREATE UNIQUE INDEX users_email_key ON users (email);
COMMENT ON TABLE users IS 'People who may sign in.';
COMMENT ON COLUMN users.test_phone IS 'The number that they sent their last test message to: most likely their own.';
COMMENT ON COLUMN users.seen_at IS 'When they last looked at a page, to the minute; kept when the session ends.';
COMMENT ON COLUMN users.time_zone IS 'What times are shown to them in; none means that of the organization.';

CREATE TABLE sessions (
    token_hash bytea PRIMARY KEY,
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    browser text NOT NULL
);
CREATE UNIQUE INDEX sessions_id_key ON sessions (id);
CREATE INDEX sessions_user_id_idx ON sessions (user_id);
COMMENT ON TABLE sessions IS 'Signed-in browsers; the cookie holds the token, this table only its SHA-256.';
COMMENT ON COLUMN sessions.id IS 'Names the session on pages, where its hash has no business.';
COMMENT ON COLUMN sessions.browser IS 'Browser and system in words, such as “Firefox on Linux”.';

CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL,
    invited_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT invitations_email_is_lower CHECK (email = lower(email)),
    CONSTRAINT invitations_role_known CHECK (role IN ('admin', 'marketer', 'viewer'))
);
CREATE UNIQUE INDEX invitations_email_key ON invitations (email);
CREATE UNIQUE INDEX invitations_token_hash_key ON invitations (token_hash);
COMMENT ON TABLE invitations IS 'People who were sent a link to join and have not come yet; the link holds a token, this table only its SHA-256.';

CREATE TABLE password_resets (
    user_id uuid PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX password_resets_token_hash_key ON password_resets (token_hash);
COMMENT ON TABLE password_resets IS 'Links to choose a new password: at most one per person, good for one use.';

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

CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    actor_name text NOT NULL,
    kind text NOT NULL,
    subject_id uuid,
    summary text NOT NULL,
    CONSTRAINT audit_log_actor_kind_known CHECK (actor_kind IN ('user', 'api_key', 'command_line')),
    -- Whoever works at the command line of the server is known to the server, not to us.
    CONSTRAINT audit_log_actor_has_id CHECK ((actor_id IS NULL) = (actor_kind = 'command_line'))
);
CREATE INDEX audit_log_actor_id_idx ON audit_log (actor_id, id);
CREATE INDEX audit_log_kind_idx ON audit_log (kind, id);
COMMENT ON TABLE audit_log IS 'Who changed what and when; written in the transaction of the change, never changed, without secrets and phone numbers.';
COMMENT ON COLUMN audit_log.actor_name IS 'As they were called then.';
COMMENT ON COLUMN audit_log.summary IS 'What they did, as the rest of a sentence that begins with their name.';
