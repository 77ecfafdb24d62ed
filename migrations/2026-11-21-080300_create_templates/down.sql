DROP TABLE template_drafts, template_versions, templates;
