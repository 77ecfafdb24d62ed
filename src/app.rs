//! The composition root: puts configuration, database, Twilio client, worker and web server together.
