-- What an index on the status of messages would be for, without its price: only a message that ends here writes it. See docs/adr/0003.
CREATE TABLE failures (
    created_at timestamptz NOT NULL,
    message_id uuid NOT NULL,
    automation_id uuid,
    sender_id uuid,
    error_code integer,
    PRIMARY KEY (created_at, message_id)
);
COMMENT ON TABLE failures IS 'Outbound messages that failed or expired and were not sent again: where to look for what may be. Kept by triggers on messages.';
COMMENT ON COLUMN failures.created_at IS 'When the message was composed, which never changes.';
COMMENT ON COLUMN failures.error_code IS 'As the ledger has it: none of what expired, whatever Twilio had said to earlier attempts.';

-- Every row that the triggers below pass on has failed or expired, or had.
CREATE FUNCTION note_failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status IN ('failed', 'expired') AND NEW.retried_at IS NULL THEN
        INSERT INTO failures (created_at, message_id, automation_id, sender_id, error_code)
        VALUES (NEW.created_at, NEW.id, NEW.automation_id, NEW.sender_id, ledger_error_code(NEW.status, NULL, NEW.error_code))
        ON CONFLICT (created_at, message_id) DO UPDATE
            SET automation_id = excluded.automation_id, sender_id = excluded.sender_id, error_code = excluded.error_code;
    ELSE
        DELETE FROM failures WHERE created_at = NEW.created_at AND message_id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION forget_failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM failures WHERE created_at = OLD.created_at AND message_id = OLD.id;
    RETURN NULL;
END $$;

-- PostgreSQL weighs the condition before it calls anything: a message that fares well pays next to nothing.
CREATE TRIGGER messages_note_inserted_failure AFTER INSERT ON messages FOR EACH ROW
    WHEN (NEW.status IN ('failed', 'expired')) EXECUTE FUNCTION note_failure();
CREATE TRIGGER messages_note_updated_failure AFTER UPDATE ON messages FOR EACH ROW
    WHEN (NEW.status IN ('failed', 'expired') OR OLD.status IN ('failed', 'expired')) EXECUTE FUNCTION note_failure();
CREATE TRIGGER messages_forget_failure AFTER DELETE ON messages FOR EACH ROW
    WHEN (OLD.status IN ('failed', 'expired')) EXECUTE FUNCTION forget_failure();

INSERT INTO failures (created_at, message_id, automation_id, sender_id, error_code)
SELECT created_at, id, automation_id, sender_id, ledger_error_code(status, NULL, error_code) FROM messages WHERE status IN ('failed', 'expired') AND retried_at IS NULL;
