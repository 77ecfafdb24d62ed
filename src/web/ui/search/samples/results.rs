//! Results for the samples of the page and of the palette: without a text, of each kind, none, and
//! for a text that cannot be searched for.

use chrono::DateTime;

use super::{SearchHit, SearchResults};
use crate::search::{Found, FoundEnrollment, SearchText};
use crate::templates::TemplateMatch;
use crate::types::id::{EnrollmentId, MessageId, TemplateId};
use crate::users::Role;

impl SearchResults {
    pub(in crate::web::ui::search) fn samples() -> Vec<Self> {
        let search = |found: Found, typed: &str| {
            let text = SearchText::parse(typed, None).ok().flatten();
            text.map(|text| Self::of(found, &text, Role::Admin))
        };
        let template = |name: &str, archived_at| TemplateMatch {
            id: TemplateId::new(),
            name: name.to_owned(),
            archived_at,
        };
        let templates = vec![
            template("Thank <you> & see you", None),
            template("Thank you, 2019", Some(DateTime::UNIX_EPOCH)),
        ];
        let enrollment =
            FoundEnrollment { id: EnrollmentId::new(), automation: Some("Order <thanks>".into()) };
        let found = Found {
            templates,
            enrollments: vec![enrollment],
            has_more_contacts: true,
            ..Found::default()
        };
        let sid = "SM0123456789abcdef0123456789abcdef";
        let older = Found { continue_before: Some(MessageId::new()), ..Found::default() };
        let mut results = vec![Self::of_blank(Role::Admin), Self::of_blank(Role::Viewer)];
        results.extend(search(found, "Thank <you>").map(Self::with_sample_people));
        results.extend(search(older, sid));
        results.extend(search(Found::default(), "12"));
        results.push(Self::of_problem("Search for at most 200 characters."));
        results
    }

    /// Adds a contact and a message.
    fn with_sample_people(mut self) -> Self {
        let contact = SearchHit {
            detail: Some("+1 415 555 0123".to_owned()),
            ..SearchHit::new("user", "Ann <b> O’Hara".to_owned(), "/contacts/1".to_owned())
        };
        let message = SearchHit {
            detail: Some("Delivered".to_owned()),
            at: Some(DateTime::UNIX_EPOCH),
            ..SearchHit::new(
                "message-square",
                "Message to Ann <b> O’Hara".to_owned(),
                "/messages/1".to_owned(),
            )
        };
        self.add("Contacts", vec![contact]);
        self.add("Messages", vec![message]);
        self
    }
}
