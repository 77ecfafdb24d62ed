ALTER TABLE attempts DROP CONSTRAINT attempts_outcome_known;
UPDATE attempts SET outcome = 'not_sent' WHERE outcome = 'held_back';
ALTER TABLE attempts ADD CONSTRAINT attempts_outcome_known
    CHECK (outcome IN ('accepted', 'refused', 'busy', 'not_sent', 'unknown'));
ALTER TABLE messages DROP COLUMN contact_deleted_at;
