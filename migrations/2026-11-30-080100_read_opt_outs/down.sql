DROP TABLE opt_out_words;

-- What was read as an opt-out stays one.
UPDATE consent_records SET source = 'keyword' WHERE source = 'wording';
UPDATE consent_records SET source = 'lookup' WHERE source = 'wording_lookup';
ALTER TABLE consent_records
    DROP CONSTRAINT consent_records_source_known,
    ADD CONSTRAINT consent_records_source_known CHECK (source IN ('keyword', 'lookup', 'twilio', 'admin', 'api'));

ALTER TABLE suppressions DROP COLUMN by_wording;
