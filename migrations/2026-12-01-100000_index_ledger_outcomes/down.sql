DROP INDEX ledger_outcome_idx;
