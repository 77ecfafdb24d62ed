//! Connections: Twilio accounts with their sealed keys, verified live before they are saved.
