-- A constant default: no row is written for it.
ALTER TABLE suppressions ADD COLUMN counted boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN suppressions.counted IS 'False where the same opt-out is counted under another number: another way to write it, or the number that the person had before.';

-- What holds for fewer words holds for more: there is nothing to look through while the table is locked.
ALTER TABLE consent_records DROP CONSTRAINT consent_records_source_known;
ALTER TABLE consent_records ADD CONSTRAINT consent_records_source_known
    CHECK (source IN ('keyword', 'lookup', 'wording', 'wording_lookup', 'twilio', 'admin', 'api', 'number_change')) NOT VALID;
