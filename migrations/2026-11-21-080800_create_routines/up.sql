CREATE TABLE routines (
    name text PRIMARY KEY,
    due_at timestamptz NOT NULL DEFAULT 'epoch',
    worker_id uuid,
    cursor jsonb,
    runs bigint NOT NULL DEFAULT 0,
    ended_at timestamptz,
    error text,
    failing_since timestamptz,
    CONSTRAINT routines_failing_has_error CHECK ((failing_since IS NULL) = (error IS NULL))
);
COMMENT ON TABLE routines IS 'Periodic work: each routine is run by one worker at a time, whichever finds it due first.';
COMMENT ON COLUMN routines.worker_id IS 'Who runs it now; a worker that is not in workers any more runs nothing.';
COMMENT ON COLUMN routines.cursor IS 'How far it has come; moved in the transaction of the work, so that a worker that dies loses nothing.';
COMMENT ON COLUMN routines.runs IS 'How often it has ended.';
COMMENT ON COLUMN routines.error IS 'Why the last run failed.';
COMMENT ON COLUMN routines.failing_since IS 'When the first of the runs ended that have failed since the last good one.';

INSERT INTO routines (name) VALUES ('collect_inbound'), ('end_sessions'), ('inspect_connections'), ('look_up_stale');

CREATE TABLE inbound_looks (
    sender_id uuid PRIMARY KEY REFERENCES senders (id) ON DELETE CASCADE,
    seen_until timestamptz NOT NULL
);
COMMENT ON TABLE inbound_looks IS 'Until when all that a sender has received is here; what comes after is listed at Twilio at the next look.';
