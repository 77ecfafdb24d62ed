CREATE TABLE workers (
    id uuid PRIMARY KEY,
    host text NOT NULL,
    pid integer NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE workers IS 'Processes that perform jobs; one that is not seen for 22 seconds is dead and its jobs are taken over.';

CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    subject uuid NOT NULL,
    run_at timestamptz NOT NULL,
    attempt smallint NOT NULL DEFAULT 0,
    worker_id uuid,
    failed_at timestamptz,
    error text,
    created_at timestamptz NOT NULL
-- Rows come and go quickly: vacuum by count, not by share of the table, and without pauses. A page has room for all its rows as they are
-- leased and as they become other jobs, so that the latter touches no index.
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX jobs_due_idx ON jobs (run_at, id) WHERE worker_id IS NULL AND failed_at IS NULL;
-- By id and not by worker: thousands of entries with the same key would cost more to keep than to search.
CREATE INDEX jobs_leased_idx ON jobs (id) WHERE worker_id IS NOT NULL;
-- Few, and for people. Not by kind either: a job that becomes another one would have to touch the index.
CREATE INDEX jobs_failed_idx ON jobs (failed_at, id) WHERE failed_at IS NOT NULL;
COMMENT ON TABLE jobs IS 'The queue: work that is due or under way. Done jobs are deleted, failed ones kept with their error.';
COMMENT ON COLUMN jobs.subject IS 'The id of the enrollment, message or sender that the job is about.';
COMMENT ON COLUMN jobs.attempt IS 'How often it has been started.';
