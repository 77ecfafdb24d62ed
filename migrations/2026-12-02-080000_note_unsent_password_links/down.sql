COMMENT ON TABLE login_failures IS 'Recent failed log-ins by SHA-256 of the email address or of the client address, for throttling.';
ALTER TABLE password_resets DROP COLUMN email_error;
