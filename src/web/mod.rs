//! The edge: HTML pages, the JSON API and the hooks that Twilio calls.
