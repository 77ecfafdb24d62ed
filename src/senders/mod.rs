//! Senders: the phone numbers and Messaging Services that a connection sends from.
