DROP INDEX connections_account_sid_key;
ALTER TABLE connections DROP COLUMN is_second;
