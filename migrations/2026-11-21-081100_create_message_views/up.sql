CREATE TABLE message_views (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    query text NOT NULL,
    created_by uuid REFERENCES users (id) ON DELETE SET NULL,
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX message_views_name_key ON message_views (lower(name));
COMMENT ON TABLE message_views IS 'Filters of the list of messages that people keep under a name, for everybody.';
COMMENT ON COLUMN message_views.query IS 'The filter as the query of a link to the list, without a place in it.';
