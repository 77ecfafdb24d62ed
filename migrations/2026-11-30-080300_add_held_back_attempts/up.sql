-- Neither reads or writes a row: the column has no default, and what is there fits the wider check already.
ALTER TABLE messages ADD COLUMN contact_deleted_at timestamptz;
COMMENT ON COLUMN messages.contact_deleted_at IS 'When its contact was deleted: it is not sent after that, whatever comes of the attempt under way.';
ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_known;
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_known
    CHECK (outcome IN ('accepted', 'refused', 'busy', 'not_sent', 'held_back', 'unknown')) NOT VALID;
