-- A constraint stays validated; the migration before takes it away.
SELECT 1;
