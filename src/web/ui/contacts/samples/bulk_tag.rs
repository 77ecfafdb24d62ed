//! Samples of the confirmation before many contacts are tagged: chosen ones, all that match, and a
//! changed number.

use super::{BulkTagForm, BulkTagPage, MAX};
use crate::error::FieldErrors;
use crate::types::id::ContactId;
use crate::web::http::bulk_conditions;
use crate::web::{Samples, Varies};

impl Samples for BulkTagPage {
    const VARIES: Varies = Varies {
        texts: &["wish.q", "wish.tag", "wish.name", "starts"],
        lists: &["wish.ids", "starts"],
    };

    fn samples() -> Vec<Self> {
        let request = BulkTagForm {
            name: "<VIP>".to_owned(),
            q: "a&b".to_owned(),
            ids: vec![ContactId::new()],
            ..BulkTagForm::default()
        };
        let all = BulkTagForm {
            action: "remove".to_owned(),
            all: true,
            from: Some(ContactId::new()),
            ..request.clone()
        };
        vec![
            Self { starts: vec!["Welcome <VIPs>".to_owned()], ..Self::bare(request.clone(), 1) },
            Self {
                errors: FieldErrors::default().with("name", "Enter a tag."),
                ..Self::bare(request, 3)
            },
            Self {
                changed: bulk_conditions::changed(Some("3"), 24, "contact"),
                ..Self::bare(all.clone(), 24)
            },
            Self::bare(all, MAX + 1),
        ]
    }
}
