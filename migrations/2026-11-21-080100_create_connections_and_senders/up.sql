CREATE TABLE connections (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    account_sid text NOT NULL,
    account_name text NOT NULL,
    account_type text,
    auth_token bytea,
    api_key_sid text,
    api_key_secret bytea,
    former_auth_token bytea,
    former_auth_token_until timestamptz,
    unconfirmed_policy text NOT NULL DEFAULT 'give_up',
    max_concurrency integer NOT NULL DEFAULT 250,
    verified_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    stopped_at timestamptz,
    stopped_reason text,
    checked_at timestamptz,
    checks jsonb,
    webhook_test jsonb,
    CONSTRAINT connections_account_sid_shape CHECK (account_sid ~ '^AC[0-9a-fA-F]{32}$'),
    -- Twilio wants the Auth Token, or an API key with its secret; half a key is no key.
    CONSTRAINT connections_have_keys CHECK (auth_token IS NOT NULL OR api_key_sid IS NOT NULL),
    CONSTRAINT connections_api_key_complete CHECK ((api_key_sid IS NULL) = (api_key_secret IS NULL)),
    CONSTRAINT connections_former_auth_token_ends CHECK ((former_auth_token IS NULL) = (former_auth_token_until IS NULL)),
    CONSTRAINT connections_checks_have_a_time CHECK ((checks IS NULL) = (checked_at IS NULL)),
    CONSTRAINT connections_stopped_with_reason CHECK ((stopped_at IS NULL) = (stopped_reason IS NULL)),
    CONSTRAINT connections_max_concurrency_range CHECK (max_concurrency BETWEEN 1 AND 5000),
    CONSTRAINT connections_unconfirmed_policy_known CHECK (unconfirmed_policy IN ('give_up', 'resend'))
);
CREATE UNIQUE INDEX connections_name_key ON connections (lower(name));
COMMENT ON TABLE connections IS 'Twilio accounts with their keys, sealed at rest.';
COMMENT ON COLUMN connections.auth_token IS 'Sealed. Signs the webhooks; without it the hooks rely on their unguessable URLs.';
COMMENT ON COLUMN connections.former_auth_token IS 'Sealed. The Auth Token before this one: what it signs is accepted until former_auth_token_until.';
COMMENT ON COLUMN connections.checks IS 'What the last look at Twilio found, at checked_at: a line for each thing.';
COMMENT ON COLUMN connections.webhook_test IS 'How the last test of the webhooks went.';
COMMENT ON COLUMN connections.max_concurrency IS 'How many requests all workers together have in flight at Twilio for it at most.';
COMMENT ON COLUMN connections.disabled_at IS 'Switched off by a person: nothing is claimed for its senders.';
COMMENT ON COLUMN connections.stopped_at IS 'Stopped by Carillon because Twilio refuses the whole account; stopped_reason says why.';

CREATE TABLE senders (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
    kind text NOT NULL,
    address text NOT NULL,
    twilio_sid text NOT NULL,
    name text NOT NULL,
    sms_capable boolean NOT NULL,
    mms_capable boolean NOT NULL,
    webhook_url text,
    webhook_error text,
    health jsonb,
    parts_per_second double precision,
    validity_minutes integer NOT NULL DEFAULT 2880,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz,
    stopped_at timestamptz,
    stopped_reason text,
    CONSTRAINT senders_parts_per_second_positive CHECK (parts_per_second > 0),
    CONSTRAINT senders_validity_minutes_positive CHECK (validity_minutes > 0),
    CONSTRAINT senders_kind_known CHECK (kind IN ('phone_number', 'messaging_service')),
    CONSTRAINT senders_stopped_with_reason CHECK ((stopped_at IS NULL) = (stopped_reason IS NULL))
);
CREATE UNIQUE INDEX senders_connection_id_address_key ON senders (connection_id, address);
COMMENT ON TABLE senders IS 'What messages are sent from: phone numbers and Messaging Services of a connection.';
COMMENT ON COLUMN senders.address IS 'E.164 or short code of a number, MG… of a Messaging Service.';
COMMENT ON COLUMN senders.twilio_sid IS 'PN… of a number, MG… of a Messaging Service.';
COMMENT ON COLUMN senders.parts_per_second IS 'How many SMS parts it sends per second at most; null when Carillon does not limit it.';
COMMENT ON COLUMN senders.validity_minutes IS 'How long after its making a message may still be handed to Twilio.';
COMMENT ON COLUMN senders.health IS 'What Twilio said at the last look: where incoming messages go, what is registered, which numbers a service has.';
COMMENT ON COLUMN senders.webhook_url IS 'The inbound URL that was set in Twilio; webhook_error says why it could not be.';

CREATE TABLE rejected_webhooks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection_id uuid REFERENCES connections (id) ON DELETE CASCADE,
    hook text NOT NULL,
    reason text NOT NULL,
    detail text NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT rejected_webhooks_hook_known CHECK (hook IN ('inbound', 'status', 'test'))
);
CREATE INDEX rejected_webhooks_connection_id_idx ON rejected_webhooks (connection_id, id);
COMMENT ON TABLE rejected_webhooks IS 'Requests to the hooks that failed the check: why, and what was expected. Never their content.';
