DROP TABLE enrollments, automation_versions, automations, events;
