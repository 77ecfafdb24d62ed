UPDATE messages SET encoding = 'gsm7' WHERE encoding IS NULL;
ALTER TABLE messages ALTER COLUMN encoding SET NOT NULL;
COMMENT ON COLUMN messages.encoding IS NULL;
COMMENT ON COLUMN messages.error_code IS NULL;
