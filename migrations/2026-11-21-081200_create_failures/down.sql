DROP TRIGGER messages_forget_failure ON messages;
DROP TRIGGER messages_note_updated_failure ON messages;
DROP TRIGGER messages_note_inserted_failure ON messages;
DROP FUNCTION forget_failure();
DROP FUNCTION note_failure();
DROP TABLE failures;
