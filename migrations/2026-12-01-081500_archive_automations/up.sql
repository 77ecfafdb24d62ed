ALTER TABLE automations ADD COLUMN archived_at timestamptz;
ALTER TABLE automations ADD CONSTRAINT automations_archived_stand_still CHECK (archived_at IS NULL OR status <> 'active');
COMMENT ON COLUMN automations.archived_at IS 'When it was archived: it is not listed and cannot be switched on.';
