UPDATE consent_records SET note = 'Moved along from ' || coalesce(note, 'the former number') || ' when the number was changed.',
    source = CASE WHEN user_id IS NULL THEN 'api' ELSE 'admin' END
WHERE source = 'number_change';
ALTER TABLE consent_records DROP CONSTRAINT consent_records_source_known;
ALTER TABLE consent_records ADD CONSTRAINT consent_records_source_known CHECK (source IN ('keyword', 'lookup', 'wording', 'wording_lookup', 'twilio', 'admin', 'api'));
ALTER TABLE suppressions DROP COLUMN counted;
