DROP TABLE delivery_events, attempts, messages;
