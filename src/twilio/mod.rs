//! Twilio over HTTP: client, errors, signatures, callbacks and SMS parts. Knows nothing of the rest but `types`.
