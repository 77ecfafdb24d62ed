DROP TABLE delivery_events, attempts, messages;
DROP DOMAIN message_status, message_direction, message_encoding, report_source;
