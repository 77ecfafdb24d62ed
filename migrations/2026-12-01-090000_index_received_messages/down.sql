DROP INDEX messages_received_idx;
