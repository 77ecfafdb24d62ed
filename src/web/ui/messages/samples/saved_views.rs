//! Samples of the list of views: empty, and with a rejected name.

use chrono::DateTime;

use super::SavedViewsPage;
use crate::error::FieldErrors;
use crate::messages::log::saved_views::View;
use crate::types::id::SavedViewId;
use crate::web::{Samples, Varies};

impl Samples for SavedViewsPage {
    const VARIES: Varies =
        Varies { texts: &["rows.name", "rows.made_by", "rows.typed"], lists: &["rows"] };

    fn samples() -> Vec<Self> {
        let view = |name: &str, made_by: Option<&str>| View {
            id: SavedViewId::new(),
            name: name.to_owned(),
            query: "status=failed&text=%3Cb%3E".to_owned(),
            made_by: made_by.map(str::to_owned),
            created_at: DateTime::UNIX_EPOCH,
        };
        let page = Self::of(vec![view("Failed <today>", Some("Ada <b>")), view("Others", None)]);
        let id = page.rows[0].id;
        let rejected = page.with_name_error(
            id,
            "\"><b>",
            &FieldErrors::default().with("name", "Enter a name."),
        );
        vec![Self::of(Vec::new()), rejected]
    }
}
