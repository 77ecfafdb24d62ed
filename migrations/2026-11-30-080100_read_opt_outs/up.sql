-- A constant default is kept in the catalogue: no row is written.
ALTER TABLE suppressions ADD COLUMN by_wording boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN suppressions.by_wording IS 'Whether a text that is no keyword was read as an opt-out: a user who reads it otherwise can undo it.';

-- More is possible than before, so that every row fits; the next migration reads them without keeping anyone out.
ALTER TABLE consent_records
    DROP CONSTRAINT consent_records_source_known,
    ADD CONSTRAINT consent_records_source_known
        CHECK (source IN ('keyword', 'lookup', 'wording', 'wording_lookup', 'twilio', 'admin', 'api')) NOT VALID;

CREATE TABLE opt_out_words (
    id uuid PRIMARY KEY,
    word text NOT NULL,
    squeezed text NOT NULL,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX opt_out_words_squeezed_key ON opt_out_words (squeezed);
COMMENT ON TABLE opt_out_words IS 'Opt-out words of the organization''s own; the standard ones are part of the program.';
COMMENT ON COLUMN opt_out_words.squeezed IS 'Without case, accents, spaces and signs: what a text is compared with.';
