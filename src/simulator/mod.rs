//! A local Twilio for demos and tests: same API, signed callbacks, a handset page. Talks HTTP only.
