ALTER TABLE events DROP COLUMN source_id;
DROP TABLE profile_keys;
DROP TABLE profiles;
DROP TABLE source_deliveries;
DROP TABLE source_counts;
DROP TABLE source_keys;
DROP TABLE sources;
