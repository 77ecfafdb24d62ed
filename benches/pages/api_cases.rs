//! The measured requests to the API: every list, with usual and with expensive filters.

use crate::case::{CaseTemplate, api};

/// The cases, with placeholders in their paths.
pub(crate) const API_CASES: &[CaseTemplate] = &[
    api("/api/v1/contacts", "all", "/api/v1/contacts"),
    api("/api/v1/contacts", "500", "/api/v1/contacts?limit=500"),
    api("/api/v1/contacts", "a tag that only the oldest have", "/api/v1/contacts?tag=Founders"),
    api("/api/v1/contacts", "a number", "/api/v1/contacts?phone=<phone>"),
    api("/api/v1/contacts/{id}", "one", "/api/v1/contacts/<contact>"),
    api("/api/v1/messages", "all", "/api/v1/messages"),
    api("/api/v1/messages", "500", "/api/v1/messages?limit=500"),
    api(
        "/api/v1/messages",
        "failed, of an automation",
        "/api/v1/messages?status=failed&automation_id=<large automation>",
    ),
    api("/api/v1/messages", "unconfirmed: few", "/api/v1/messages?status=unconfirmed"),
    api(
        "/api/v1/messages",
        "an error that ten have, long ago",
        "/api/v1/messages?error_code=30019",
    ),
    api("/api/v1/messages", "a word that three have, long ago", "/api/v1/messages?text=zeppelin"),
    api("/api/v1/messages/{id}", "one", "/api/v1/messages/<message>"),
    api("/api/v1/automations", "all", "/api/v1/automations"),
    api(
        "/api/v1/automations/{id}",
        "with millions of enrollments and messages",
        "/api/v1/automations/<large automation>",
    ),
    api(
        "/api/v1/automations/{id}",
        "with very many waiting enrollments",
        "/api/v1/automations/<waiting automation>",
    ),
    api("/api/v1/opt-out-words", "100", "/api/v1/opt-out-words"),
    api("/api/v1/templates", "all", "/api/v1/templates"),
    api("/api/v1/templates/{id}", "with 300 versions", "/api/v1/templates/<large template>"),
    api("/api/v1/connections", "all", "/api/v1/connections"),
    api("/api/v1/connections/{id}", "one", "/api/v1/connections/<connection>"),
    api("/api/v1/senders", "all", "/api/v1/senders"),
    api("/api/v1/senders/{id}", "with a queue", "/api/v1/senders/<queued sender>"),
    api("/api/v1/sources", "100", "/api/v1/sources"),
    api("/api/v1/sources/{id}", "one", "/api/v1/sources/<source>"),
    api("/api/v1/sources/{id}/deliveries", "100", "/api/v1/sources/<source>/deliveries"),
    api("/api/v1/ledger", "30 days", "/api/v1/ledger"),
    api(
        "/api/v1/ledger",
        "a year by automation",
        "/api/v1/ledger?from=<year ago>&group_by=automation",
    ),
    api(
        "/api/v1/ledger/check",
        "a day: 25,000 messages",
        "/api/v1/ledger/check?from=<early day>&to=<early day>",
    ),
];
