-- What was composed stays composed: how it was typed is not known any more.
SELECT 1;
