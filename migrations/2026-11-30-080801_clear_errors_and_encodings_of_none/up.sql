-- What arrived has no error, and what has no text no encoding; reports and attempts keep what was said meanwhile.
ALTER TABLE messages ALTER COLUMN encoding DROP NOT NULL;
COMMENT ON COLUMN messages.encoding IS 'What the text is sent in; none without a text.';
COMMENT ON COLUMN messages.error_code IS 'Why it is not delivered, by Twilio; none of what was. Each report keeps its own.';
UPDATE messages SET
    error_code = CASE WHEN status IN ('delivered', 'read') THEN NULL ELSE error_code END,
    encoding = CASE WHEN body = '' THEN NULL ELSE encoding END,
    parts = CASE WHEN body = '' THEN 0 ELSE parts END
WHERE status IN ('delivered', 'read') AND error_code IS NOT NULL OR body = '' AND (encoding IS NOT NULL OR parts <> 0);
