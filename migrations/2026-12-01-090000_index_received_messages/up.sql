-- Home counts received messages by day and lists the newest, among a hundred times as many sent ones. Both columns never change.
-- Concurrently, since old processes write messages meanwhile: after a failure, drop the invalid index and start again.
CREATE INDEX CONCURRENTLY messages_received_idx ON messages (id) INCLUDE (created_at) WHERE direction = 'inbound';
