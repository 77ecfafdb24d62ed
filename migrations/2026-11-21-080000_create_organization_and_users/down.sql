DROP TABLE audit_log, api_keys, setup_codes, login_failures, password_resets, invitations, sessions, users, organization;
