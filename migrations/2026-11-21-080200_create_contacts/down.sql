DROP TABLE consent_records, suppressions, removed_tags, contact_tags, tags, contacts;
