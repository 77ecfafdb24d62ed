DROP TABLE template_versions, templates;
