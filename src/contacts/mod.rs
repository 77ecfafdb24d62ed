//! Contacts: people with one phone number, their tags, suppressions and consent.
