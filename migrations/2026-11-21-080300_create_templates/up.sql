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
    PRIMARY KEY (template_id, version)
);
COMMENT ON TABLE template_versions IS 'Each text that a template has had: never changed, so that a message can always show what it was made from.';
