DROP TABLE api_keys, setup_codes, login_failures, sessions, users, organization;
