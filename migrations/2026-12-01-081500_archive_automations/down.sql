ALTER TABLE automations DROP COLUMN archived_at;
