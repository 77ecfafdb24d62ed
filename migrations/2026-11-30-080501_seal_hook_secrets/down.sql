ALTER TABLE connections
    DROP CONSTRAINT connections_former_hook_secret_ends,
    DROP COLUMN former_hook_secret_until,
    DROP COLUMN former_hook_secret,
    DROP COLUMN hook_secret;
COMMENT ON COLUMN connections.auth_token IS 'Sealed. Signs the webhooks; without it the hooks rely on their unguessable URLs.';
