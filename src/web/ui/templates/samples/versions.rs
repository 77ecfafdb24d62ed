//! Samples of the versions page: one version, two that differ, two that are equal.

use chrono::DateTime;

use super::{Comparison, Side, VersionsPage};
use crate::templates::Template;
use crate::templates::versions::Version;
use crate::types::id::TemplateId;
use crate::web::{Samples, Varies};

impl Samples for VersionsPage {
    const VARIES: Varies = Varies {
        texts: &[
            "name",
            "rows.author",
            "rows.body",
            "comparison.from.author",
            "comparison.to.author",
            "comparison.body.text",
        ],
        lists: &["rows", "choices"],
    };

    fn samples() -> Vec<Self> {
        let version = |number, body: &str, author: Option<&str>| Version {
            number,
            body: body.to_owned(),
            media_urls: if number == 2 {
                vec!["https://example.com/a.jpg".to_owned()]
            } else {
                Vec::new()
            },
            created_at: DateTime::UNIX_EPOCH,
            author: author.map(str::to_owned),
        };
        let template = |version| Template {
            id: TemplateId::new(),
            name: "Order <shipped>".to_owned(),
            version,
            body: String::new(),
            media_urls: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            archived_at: None,
        };
        let (one, two) = (
            version(1, "Hi {{ contact.first_name }}", None),
            version(2, "Hello <b>שלום</b>", Some("Ada <Lovelace>")),
        );
        let between = |from: &Version, to: &Version| {
            Some(Comparison::new(Side::of(from.clone()), Side::of(to.clone())))
        };
        vec![
            Self::new(&template(1), vec![one.clone()], None, false, None),
            Self::new(
                &template(2),
                vec![two.clone(), one.clone()],
                Some(1),
                true,
                between(&one, &two),
            ),
            Self::new(&template(2), vec![two.clone(), one], None, false, between(&two, &two)),
        ]
    }
}
