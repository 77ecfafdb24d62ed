-- The list of messages shows how many there are in each of its views, of all days: a thousand of these buckets are enough to know that
-- there are more. Each fold writes them anyway; the build takes less than a second, in which only folding waits.
CREATE INDEX ledger_outcome_idx ON ledger (outcome) INCLUDE (count) WHERE outcome IN ('recipients', 'sent', 'failed') AND count <> 0;
