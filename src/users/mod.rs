//! People and programs that may sign in: users, roles, sessions, API keys, log-in throttling, first set-up.
