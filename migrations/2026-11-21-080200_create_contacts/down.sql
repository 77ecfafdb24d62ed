DROP TABLE consent_records, suppressions, contact_tags, tags, contacts;
