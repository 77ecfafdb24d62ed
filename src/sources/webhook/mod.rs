//! Webhooks of any program: how they prove who they are, and where their bodies have the contact
//! and the event.
