//! The measured requests: every page, with usual and with expensive filters, and those of the API.

use crate::Outcome;
use crate::api_cases::API_CASES;
use crate::case::{Case, CaseTemplate, Kind, page, page_with_status, stream};

/// The routes of all cases, as in the source.
pub(crate) fn routes() -> impl Iterator<Item = &'static str> {
    templates().map(|case| case.route)
}

/// All cases, with the names of a world filled in.
pub(crate) fn all(names: &[(String, String)]) -> Outcome<Vec<Case>> {
    templates()
        .map(|case| {
            let path = names.iter().fold(case.path.to_owned(), |path, (name, value)| {
                path.replace(&format!("<{name}>"), value)
            });
            if path.contains('<') {
                return Err(format!(
                    "world/names.sql does not have all the names in {}",
                    case.path
                )
                .into());
            }
            Ok(Case { kind: case.kind, what: case.what, path, status: case.status })
        })
        .collect()
}

fn templates() -> impl Iterator<Item = &'static CaseTemplate> {
    CASES.iter().chain(API_CASES)
}

/// The cases of pages, with placeholders in their paths.
const CASES: &[CaseTemplate] = &[
    CaseTemplate { kind: Kind::Home, route: "/", what: "home", path: "/", status: 200 },
    CaseTemplate { kind: Kind::Home, route: "/", what: "90 days", path: "/?days=90", status: 200 },
    page("/account", "own account", "/account"),
    page("/shortcuts", "keyboard shortcuts", "/shortcuts"),
    page_with_status("/style-guide", "not in a release", "/style-guide", 404),
    page_with_status("/login", "already signed in", "/login", 303),
    page("/login/forgot", "a forgotten password", "/login/forgot"),
    page_with_status("/join", "an invalid link", "/join?token=none", 410),
    page_with_status("/reset", "an invalid link", "/reset?token=none", 410),
    page_with_status("/setup", "after the setup", "/setup", 404),
    page("/api", "the API reference", "/api"),
    // Contacts.
    page("/contacts", "all", "/contacts"),
    page("/contacts", "the second page", "/contacts?older=<late contact>"),
    page("/contacts", "a late page", "/contacts?older=<early contact>"),
    page("/contacts", "the oldest first", "/contacts?sort=oldest"),
    page("/contacts", "a large tag, the oldest first", "/contacts?tag=Customer&sort=oldest"),
    page("/contacts", "backwards", "/contacts?newer=<early contact>"),
    page("/contacts", "a name that many have", "/contacts?q=ann"),
    page(
        "/contacts",
        "a name that many have, a late page",
        "/contacts?q=ann&older=<early contact>",
    ),
    page("/contacts", "one letter", "/contacts?q=a"),
    page("/contacts", "the beginning of an email that many have", "/contacts?q=anna.@"),
    page("/contacts", "a name that one has", "/contacts?q=zebedee"),
    page("/contacts", "a last name", "/contacts?q=bergstr%C3%B6m"),
    page("/contacts", "an email that many have, all of them the oldest", "/contacts?q=legacy."),
    page(
        "/contacts",
        "the same, where the search continues",
        "/contacts?q=legacy.&older=<late contact>",
    ),
    page("/contacts", "a name that no contact has", "/contacts?q=xyzzy"),
    page("/contacts", "a number's beginning that all have", "/contacts?q=206"),
    page("/contacts", "a number's last digits", "/contacts?q=<digits>"),
    page("/contacts", "a number's last three digits", "/contacts?q=345"),
    page("/contacts", "digits that no number has", "/contacts?q=99999"),
    page("/contacts", "an external id's beginning that all have", "/contacts?q=customer-"),
    page("/contacts", "a tag that nearly all have", "/contacts?tag=Customer"),
    page(
        "/contacts",
        "a tag that half have, a late page",
        "/contacts?tag=Newsletter&older=<early contact>",
    ),
    page("/contacts", "a tag that only the oldest have", "/contacts?tag=Founders"),
    page(
        "/contacts",
        "a tag that only the newest have, backwards from the end",
        "/contacts?tag=New+this+month&newer=<early contact>",
    ),
    page("/contacts", "a tag that a dozen have", "/contacts?tag=Beta+testers"),
    page("/contacts", "a tag that no contact has", "/contacts?tag=Unused"),
    page(
        "/contacts",
        "a tag that many have, and a name that many have",
        "/contacts?tag=Newsletter&q=ann",
    ),
    page(
        "/contacts",
        "a tag that few have, and a name that many have",
        "/contacts?tag=Beta+testers&q=ann",
    ),
    page(
        "/contacts",
        "a tag that no contact has, and a name that many have",
        "/contacts?tag=Unused&q=ann",
    ),
    page(
        "/contacts",
        "a tag of the oldest, and a number that all have",
        "/contacts?tag=Founders&q=206",
    ),
    page("/contacts/new", "a new one", "/contacts/new"),
    page(
        "/contacts/tag",
        "tagging those with a name that many have",
        "/contacts/tag?all=true&action=add&name=x&q=ann",
    ),
    page(
        "/contacts/tag",
        "tagging those with a tag that nearly all have",
        "/contacts/tag?all=true&action=add&name=x&tag=Customer",
    ),
    page("/contacts/{id}", "one", "/contacts/<contact>"),
    page("/contacts/{id}", "with very many messages", "/contacts/<busy contact>"),
    page("/contacts/{id}", "one that has sent STOP", "/contacts/<stopped contact>"),
    page("/contacts/{id}/edit", "one", "/contacts/<contact>/edit"),
    page("/contacts/{id}/delete", "with very many messages", "/contacts/<busy contact>/delete"),
    // Search.
    page("/search", "no text: pages and actions", "/search"),
    page("/search", "a name that many have", "/search?q=ann"),
    page("/search", "one letter", "/search?q=a"),
    page("/search", "an email that many have, all of them the oldest", "/search?q=legacy."),
    page("/search", "a name that no contact has", "/search?q=xyzzy"),
    page("/search", "a number's last digits", "/search?q=<digits>"),
    page("/search", "a number's beginning that all have", "/search?q=206"),
    page("/search", "a number", "/search?q=<phone>"),
    page("/search", "the id of a message", "/search?q=<message>"),
    page("/search", "a SID that no message has", "/search?q=SM00000000000000000000000000000000"),
    page(
        "/search",
        "the same, where the search continues",
        "/search?q=SM00000000000000000000000000000000&before=<early message>",
    ),
    page("/search/suggestions", "no text: pages and actions", "/search/suggestions"),
    page("/search/suggestions", "a name that many have", "/search/suggestions?q=ann"),
    page(
        "/search/suggestions",
        "an email that many have, all of them the oldest",
        "/search/suggestions?q=legacy.",
    ),
    // Messages.
    page("/messages", "all", "/messages"),
    page("/messages", "the second page", "/messages?older=<late message>"),
    page("/messages", "a late page", "/messages?older=<early message>"),
    page("/messages", "backwards", "/messages?newer=<early message>"),
    page("/messages", "a word that many have", "/messages?text=order"),
    page("/messages", "a word that one in 500 has", "/messages?text=teapot"),
    page("/messages", "a word that one in 100,000 has", "/messages?text=umbrella"),
    page("/messages", "a word that three have, long ago", "/messages?text=zeppelin"),
    page("/messages", "a word that none has", "/messages?text=xylophone"),
    page(
        "/messages",
        "a word that none has, a late page",
        "/messages?text=xylophone&older=<early message>",
    ),
    page(
        "/messages",
        "a word that none has, backwards",
        "/messages?text=xylophone&newer=<early message>",
    ),
    page("/messages", "two words", "/messages?text=red+umbrella"),
    page("/messages", "delivered", "/messages?status=delivered"),
    page("/messages", "pending", "/messages?status=pending"),
    page(
        "/messages",
        "pending, a late page, where none are",
        "/messages?status=pending&older=<early message>",
    ),
    page("/messages", "submitting: none", "/messages?status=submitting"),
    page("/messages", "unconfirmed: few", "/messages?status=unconfirmed"),
    page("/messages", "unconfirmed, a late page", "/messages?status=unconfirmed&older=<message>"),
    page("/messages", "scheduled: none", "/messages?status=scheduled"),
    page("/messages", "failed", "/messages?status=failed"),
    page("/messages", "failed, a late page", "/messages?status=failed&older=<early message>"),
    page("/messages", "undelivered", "/messages?status=undelivered"),
    page("/messages", "expired: one in a thousand", "/messages?status=expired"),
    page("/messages", "read", "/messages?status=read"),
    page("/messages", "received", "/messages?status=received"),
    page("/messages", "outcome failed", "/messages?outcome=failed"),
    page("/messages", "outcome retried: one in a thousand", "/messages?outcome=retried"),
    page("/messages", "outcome unconfirmed", "/messages?outcome=unconfirmed"),
    page("/messages", "outcome suppressed", "/messages?outcome=suppressed"),
    page("/messages", "a reason", "/messages?reason=stop"),
    page("/messages", "a reason that none has", "/messages?reason=manual"),
    page("/messages", "inbound", "/messages?direction=inbound"),
    page(
        "/messages",
        "inbound, with a word that none has",
        "/messages?direction=inbound&text=xylophone",
    ),
    page("/messages", "the last day", "/messages?within=day"),
    page("/messages", "a day long ago", "/messages?from_day=<early day>&to_day=<early day>"),
    page(
        "/messages",
        "a day long ago, failed",
        "/messages?from_day=<early day>&to_day=<early day>&status=failed",
    ),
    page(
        "/messages",
        "a day long ago, a word that none has",
        "/messages?from_day=<early day>&to_day=<early day>&text=xylophone",
    ),
    page("/messages", "an automation with millions", "/messages?automation_id=<large automation>"),
    page(
        "/messages",
        "an automation with millions, failed",
        "/messages?automation_id=<large automation>&status=failed",
    ),
    page(
        "/messages",
        "an automation with millions, a word that none has",
        "/messages?automation_id=<large automation>&text=xylophone",
    ),
    page("/messages", "an automation with few", "/messages?automation_id=<rare automation>"),
    page(
        "/messages",
        "an automation with few, failed",
        "/messages?automation_id=<rare automation>&status=failed",
    ),
    page("/messages", "an automation of long ago", "/messages?automation_id=<old automation>"),
    page(
        "/messages",
        "an automation of long ago, failed",
        "/messages?automation_id=<old automation>&status=failed",
    ),
    page("/messages", "an automation with none", "/messages?automation_id=<empty automation>"),
    page("/messages", "of no automation", "/messages?automation_id=none"),
    page(
        "/messages",
        "a template of half of all messages",
        "/messages?template_id=<large template>",
    ),
    page("/messages", "a template of few messages", "/messages?template_id=<rare template>"),
    page("/messages", "a template of no message", "/messages?template_id=<unused template>"),
    page("/messages", "a sender with most", "/messages?sender_id=<large sender>"),
    page("/messages", "a sender with few", "/messages?sender_id=<rare sender>"),
    page("/messages", "an error that many have", "/messages?error_code=30003"),
    page("/messages", "an error that ten have, long ago", "/messages?error_code=30019"),
    page("/messages", "an error that none has", "/messages?error_code=30999"),
    page(
        "/messages",
        "an error and a sender",
        "/messages?error_code=30003&sender_id=<rare sender>",
    ),
    page("/messages", "to a number", "/messages?to=<phone>"),
    page(
        "/messages",
        "to a number with very many, failed",
        "/messages?to=<busy phone>&status=failed",
    ),
    page("/messages", "a contact", "/messages?contact_id=<contact>"),
    page(
        "/messages",
        "a contact with very many, a word that none has",
        "/messages?contact_id=<busy contact>&text=xylophone",
    ),
    page("/messages", "a contact by a name that many have", "/messages?contact=ann"),
    page_with_status(
        "/messages",
        "a contact by a name that one has: redirects to its messages",
        "/messages?contact=zebedee",
        303,
    ),
    page("/messages", "an enrollment", "/messages?enrollment_id=<enrollment>"),
    page(
        "/messages",
        "all filters at once",
        "/messages?status=undelivered&error_code=30005&automation_id=<large automation>&sender_id=<large sender>&template_id=<large template>&text=teapot&from_day=<year ago>",
    ),
    stream("/messages/live", "live rows", "/messages/live"),
    stream("/messages/export", "all", "/messages/export"),
    stream("/messages/export", "failed", "/messages/export?status=failed"),
    stream("/messages/export", "a word that one in 100,000 has", "/messages/export?text=umbrella"),
    page("/messages/views", "saved views", "/messages/views?status=failed"),
    page("/messages/{id}", "in the middle", "/messages/<message>"),
    page("/messages/{id}", "pending", "/messages/<pending message>"),
    page("/messages/{id}", "failed", "/messages/<failed message>"),
    page("/messages/{id}", "undelivered", "/messages/<undelivered message>"),
    page("/messages/{id}", "unconfirmed", "/messages/<unconfirmed message>"),
    page("/messages/{id}", "inbound", "/messages/<inbound message>"),
    page("/messages/{id}/progress", "pending", "/messages/<pending message>/progress"),
    page("/messages/{id}/panel", "in the middle", "/messages/<message>/panel"),
    page("/messages", "with a message beside the list", "/messages?open=<message>"),
    page("/messages/new", "empty", "/messages/new"),
    page("/messages/new", "to a contact", "/messages/new?contact_id=<contact>&body=Hello"),
    page("/messages/new", "to a name that many have", "/messages/new?to=ann"),
    // The ledger.
    page("/ledger", "30 days", "/ledger"),
    page("/ledger", "a year by day", "/ledger?from=<year ago>"),
    page("/ledger", "a year by automation", "/ledger?from=<year ago>&group_by=automation"),
    page("/ledger", "a year by sender", "/ledger?from=<year ago>&group_by=sender"),
    page(
        "/ledger",
        "a year of one automation",
        "/ledger?from=<year ago>&automation_id=<large automation>",
    ),
    page("/ledger", "a year of one sender", "/ledger?from=<year ago>&sender_id=<large sender>"),
    page("/ledger/retry", "30 days", "/ledger/retry"),
    page(
        "/ledger/retry",
        "a month of one automation",
        "/ledger/retry?from=<month ago>&automation_id=<large automation>",
    ),
    // Templates.
    page("/templates", "all", "/templates"),
    page("/templates", "a search", "/templates?q=order"),
    page("/templates/new", "a new one", "/templates/new"),
    page("/templates/{id}", "one of half of all messages", "/templates/<large template>"),
    page("/templates/{id}", "one of no message", "/templates/<unused template>"),
    page("/templates/{id}/versions", "300 of them", "/templates/<large template>/versions"),
    // Automations.
    page("/automations", "all", "/automations"),
    page("/automations", "archived", "/automations?archived=true"),
    page("/automations/new", "a new one", "/automations/new"),
    page("/automations/starters", "all", "/automations/starters"),
    page(
        "/automations/{id}",
        "with millions of enrollments and messages",
        "/automations/<large automation>",
    ),
    page(
        "/automations/{id}",
        "with very many waiting enrollments",
        "/automations/<waiting automation>",
    ),
    page("/automations/{id}", "with none", "/automations/<empty automation>"),
    page("/automations/{id}/edit", "with millions", "/automations/<large automation>/edit"),
    page("/automations/{id}/try", "without a contact", "/automations/<large automation>/try"),
    page(
        "/automations/{id}/try",
        "with a contact",
        "/automations/<large automation>/try?contact=<phone>",
    ),
    page_with_status(
        "/automations/{id}/test-event",
        "an automation that is not active",
        "/automations/<paused automation>/test-event",
        303,
    ),
    page(
        "/automations/{id}/enrollments",
        "millions",
        "/automations/<large automation>/enrollments",
    ),
    page(
        "/automations/{id}/enrollments",
        "a late page",
        "/automations/<large automation>/enrollments?before=<middle enrollment>",
    ),
    page(
        "/automations/{id}/enrollments",
        "active, of very many waiting ones",
        "/automations/<waiting automation>/enrollments?status=active",
    ),
    page(
        "/automations/{id}/enrollments",
        "failed, of millions of which none has",
        "/automations/<large automation>/enrollments?status=failed",
    ),
    page(
        "/automations/{id}/enrollments",
        "failed, of one in a hundred",
        "/automations/<survey>/enrollments?status=failed",
    ),
    page(
        "/automations/{id}/enrollments",
        "a name that many have",
        "/automations/<large automation>/enrollments?q=ann",
    ),
    page(
        "/automations/{id}/enrollments",
        "a name that many have, failed",
        "/automations/<large automation>/enrollments?q=ann&status=failed",
    ),
    page(
        "/automations/{id}/enrollments",
        "a name that one has",
        "/automations/<large automation>/enrollments?q=zebedee",
    ),
    page(
        "/automations/{id}/enrollments",
        "a number",
        "/automations/<large automation>/enrollments?q=<busy phone>",
    ),
    page(
        "/automations/{id}/activate",
        "with some millions",
        "/automations/<paused automation>/activate",
    ),
    page_with_status(
        "/automations/{id}/activate",
        "one that is active already",
        "/automations/<large automation>/activate",
        303,
    ),
    page("/automations/{id}/pause", "with millions", "/automations/<large automation>/pause"),
    page(
        "/automations/{id}/pause",
        "with very many waiting enrollments",
        "/automations/<waiting automation>/pause",
    ),
    page("/enrollments/{id}", "one that has ended", "/enrollments/<enrollment>"),
    page("/enrollments/{id}", "one that waits", "/enrollments/<waiting enrollment>"),
    // The Connection Center.
    page("/connections", "all", "/connections"),
    page("/connections/new", "a new one", "/connections/new"),
    page("/connections/{id}", "with most messages and a queue", "/connections/<connection>"),
    page("/connections/{id}", "stopped", "/connections/<stopped connection>"),
    page("/connections/{id}/senders", "with a queue", "/connections/<connection>/senders"),
    page("/connections/{id}/test", "with most messages", "/connections/<connection>/test"),
    page("/connections/{id}/advanced", "with most messages", "/connections/<connection>/advanced"),
    page("/connections/{id}/health", "with most messages", "/connections/<connection>/health"),
    page("/connections/{id}/keys", "with most messages", "/connections/<connection>/keys"),
    page("/connections/{id}/rejected", "a thousand rejected", "/connections/<connection>/rejected"),
    page("/connections/rejected", "a thousand that name no connection", "/connections/rejected"),
    page("/connections/{id}/senders/new", "asks Twilio", "/connections/<connection>/senders/new"),
    page("/senders/{id}/limits", "with a queue", "/senders/<queued sender>/limits"),
    // Sources.
    page("/sources", "100", "/sources"),
    page("/sources/new", "the cards", "/sources/new"),
    page("/sources/new", "a form", "/sources/new?from=shopify"),
    page("/sources/{id}", "with many counts", "/sources/<source>"),
    page("/sources/{id}/mapping", "with 100 deliveries", "/sources/<source>/mapping"),
    page("/sources/{id}/deliveries", "100", "/sources/<source>/deliveries"),
    page("/sources/{id}/deliveries/{number}", "one", "/sources/<source>/deliveries/<delivery>"),
    page("/sources/{id}/actions", "none", "/sources/<source>/actions"),
    page(
        "/sources/{id}/actions/new",
        "looks for its newest events among all",
        "/sources/<source>/actions/new",
    ),
    page("/sources/{id}/settings", "a form", "/sources/<source>/settings"),
    // Settings.
    page("/admin", "200,000 jobs, 1,000 failed", "/admin"),
    page("/admin/work", "the fragment that an open page polls", "/admin/work"),
    page("/admin/failed", "1,000", "/admin/failed"),
    page("/admin/failed", "of a kind", "/admin/failed?kind=advance"),
    page("/admin/failed/retry", "of all", "/admin/failed/retry"),
    page("/admin/set-aside", "20,000", "/admin/set-aside"),
    page("/admin/database", "all tables", "/admin/database"),
    page("/admin/system", "all settings", "/admin/system"),
    page_with_status("/settings", "redirects to users", "/settings", 303),
    page("/settings/users", "all", "/settings/users"),
    page("/settings/users/invite", "a form", "/settings/users/invite"),
    page("/settings/users/{id}", "one", "/settings/users/<user>"),
    page("/settings/keys", "200", "/settings/keys"),
    page("/settings/keys/new", "a form", "/settings/keys/new"),
    page("/settings/organization", "a form", "/settings/organization"),
    page("/settings/opt-out-words", "100", "/settings/opt-out-words"),
    page("/settings/log", "100,000 lines", "/settings/log"),
    page("/settings/log", "a late page", "/settings/log?before=<early audit>"),
    page("/settings/log", "of a user with one entry, long ago", "/settings/log?who=<seldom user>"),
    page(
        "/settings/log",
        "of a user, about one kind of subject",
        "/settings/log?who=<user>&kind=organization",
    ),
];
