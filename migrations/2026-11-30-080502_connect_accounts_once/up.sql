-- Earlier versions let the same account in twice: the later ones stay as they are, and no further one comes.
ALTER TABLE connections ADD COLUMN is_second boolean NOT NULL DEFAULT false;
UPDATE connections SET is_second = true
WHERE EXISTS (SELECT FROM connections AS first WHERE first.account_sid = connections.account_sid AND first.id < connections.id);
CREATE UNIQUE INDEX connections_account_sid_key ON connections (account_sid) WHERE NOT is_second;
COMMENT ON COLUMN connections.is_second IS 'Whether another connection had the same account already when that was still possible.';
