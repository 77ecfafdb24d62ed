CREATE TABLE set_aside (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject text NOT NULL,
    connection_id uuid,
    error text NOT NULL,
    attempts integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    CONSTRAINT set_aside_kind_subject_key UNIQUE (kind, subject)
);
CREATE INDEX set_aside_kind_next_try_at_idx ON set_aside (kind, next_try_at);
COMMENT ON TABLE set_aside IS 'What a routine could not do while it did the rest: it is tried again later, and an admin sees why. Neither texts nor phone numbers.';
COMMENT ON COLUMN set_aside.kind IS 'What was to be done; see queue/set_aside.rs.';
COMMENT ON COLUMN set_aside.subject IS 'With what: an id of ours or of Twilio.';
