CREATE TABLE templates (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE UNIQUE INDEX templates_name_key ON templates (lower(name));
COMMENT ON TABLE templates IS 'Saved SMS texts; the text itself is in the newest of template_versions.';

CREATE TABLE template_versions (
    template_id uuid NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    version integer NOT NULL,
    body text NOT NULL,
    media_urls text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    created_by uuid REFERENCES users (id),
    PRIMARY KEY (template_id, version)
);
COMMENT ON TABLE template_versions IS 'Each text that a template has had: never changed, so that a message can always show what it was made from.';
COMMENT ON COLUMN template_versions.created_by IS 'Who saved it; none when a program did, through the API.';

CREATE TABLE template_drafts (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    template_id uuid NOT NULL,
    version integer NOT NULL,
    name text NOT NULL,
    saved_name text NOT NULL,
    body text NOT NULL,
    media_urls text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, template_id)
);
COMMENT ON TABLE template_drafts IS 'What somebody has typed into the editor and not saved yet, exactly as it stands there.';
COMMENT ON COLUMN template_drafts.template_id IS 'The nil UUID for a template that was never saved: a column of a primary key cannot be null.';
COMMENT ON COLUMN template_drafts.saved_name IS 'The name when it was begun: while the draft has the same, it renames nothing. Blank for a template that was never saved.';
COMMENT ON COLUMN template_drafts.version IS 'The saved version that was changed; 0 for a template that was never saved.';
