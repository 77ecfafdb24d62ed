CREATE TABLE throttles (
    sender_id uuid PRIMARY KEY REFERENCES senders (id) ON DELETE CASCADE,
    free_at timestamptz NOT NULL,
    waiting_messages bigint NOT NULL DEFAULT 0,
    waiting_parts bigint NOT NULL DEFAULT 0,
    releasing boolean NOT NULL DEFAULT false,
    last_flow uuid
-- A few rows that are written many times a second: room on the page, so that no index is touched.
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE throttles IS 'How far each sender with a rate has used it up, and what waits for it; its row is locked by whoever spends the rate.';
COMMENT ON COLUMN throttles.free_at IS 'When everything that has been sent is paid off at the sender''s rate.';
COMMENT ON COLUMN throttles.waiting_messages IS 'How many messages stand in queued_sends and are not released yet.';
COMMENT ON COLUMN throttles.releasing IS 'Whether a job exists that releases what waits.';
COMMENT ON COLUMN throttles.last_flow IS 'Whose turn it was last: the next one goes on after it.';

CREATE TABLE queued_sends (
    message_id uuid PRIMARY KEY,
    sender_id uuid NOT NULL,
    flow uuid NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    parts smallint NOT NULL,
    queued_at timestamptz NOT NULL,
    released_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 2000);
CREATE INDEX queued_sends_waiting_idx ON queued_sends (sender_id, flow, position) WHERE released_at IS NULL;
COMMENT ON TABLE queued_sends IS 'Messages that wait for their sender''s rate; a row goes when its message is claimed.';
COMMENT ON COLUMN queued_sends.flow IS 'Who takes turns with whom: the automation, or zeros for single messages.';
COMMENT ON COLUMN queued_sends.released_at IS 'When its parts were charged to the sender''s rate: the next claim lets it through.';
