-- The table has a row for each Twilio account, and new columns without a default need no rewrite. The secrets are sealed with a key that
-- the database does not have: the program makes them when it starts, and wherever one is needed and missing.
ALTER TABLE connections
    ADD COLUMN hook_secret bytea,
    ADD COLUMN former_hook_secret bytea,
    ADD COLUMN former_hook_secret_until timestamptz,
    ADD CONSTRAINT connections_former_hook_secret_ends CHECK ((former_hook_secret IS NULL) = (former_hook_secret_until IS NULL));
COMMENT ON COLUMN connections.auth_token IS 'Sealed. Signs the webhooks; without it, the secret in their addresses is the proof.';
COMMENT ON COLUMN connections.hook_secret IS 'Sealed. Part of the addresses that Twilio calls where there is no Auth Token; null until the program has made one.';
COMMENT ON COLUMN connections.former_hook_secret IS 'Sealed. The secret before this one: addresses with it are accepted until former_hook_secret_until.';
