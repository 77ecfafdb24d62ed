//! Samples of the list of contacts: full, and empty with and without a search.

use super::{Choice, ContactListPage, ContactListQuery, Row};
use crate::contacts;
use crate::contacts::tags::TagName;
use crate::types::id::ContactId;
use crate::web::ui::contacts::samples;
use crate::web::{Samples, Varies};

impl Samples for ContactListPage {
    const VARIES: Varies = Varies {
        texts: &["q", "tag", "tags.label", "rows.name", "rows.email", "rows.tags"],
        lists: &["tags", "rows"],
    };

    fn samples() -> Vec<Self> {
        let rows = samples::contacts().into_iter().enumerate();
        let rows = rows.map(|(at, contact)| Row {
            tags: vec![
                TagName::stop(),
                TagName::parse("<VIP> & friends").unwrap_or_else(|_| TagName::stop()),
            ],
            other_tags: at,
            suppression: (at == 0).then_some("Texted STOP"),
            ..Row::new(contact, Vec::new(), None)
        });
        let tags = vec![Choice { value: TagName::stop(), label: TagName::stop() }];
        let link = ContactListQuery { q: "a&b".to_owned(), ..ContactListQuery::default() }
            .link("older", ContactId::new());
        let empty = || Self {
            q: String::new(),
            tag: String::new(),
            tags: Vec::new(),
            oldest_first: false,
            reversed: "/contacts?sort=oldest".to_owned(),
            without_tag: "/contacts".to_owned(),
            total: None,
            rows: Vec::new(),
            newer: None,
            older: None,
            looked_at: None,
        };
        vec![
            Self {
                tags,
                tag: "<VIP>".to_owned(),
                total: Some("About 52,000 contacts".to_owned()),
                rows: rows.collect(),
                older: Some(link.clone()),
                newer: Some(link.clone()),
                ..Self { q: "ann".to_owned(), ..empty() }
            },
            Self { q: "\"><script>".to_owned(), ..empty() },
            Self {
                q: "a".to_owned(),
                older: Some(link),
                looked_at: Some(contacts::SCAN_LIMIT),
                ..empty()
            },
            empty(),
        ]
    }
}
