ALTER TABLE password_resets ADD COLUMN email_error text;
COMMENT ON COLUMN password_resets.email_error IS 'Why the link could not be emailed, for admins.';
COMMENT ON TABLE login_failures IS 'Recent failed log-ins, and requests for password links by email, by SHA-256 of the email address or of the client address, for throttling.';
