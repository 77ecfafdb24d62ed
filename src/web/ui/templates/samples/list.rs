//! Samples of the list of templates: none, none archived, and some.

use chrono::DateTime;

use super::{Row, TemplateListPage};
use crate::templates::body_pieces;
use crate::types::id::TemplateId;
use crate::web::{Samples, Varies};

impl Samples for TemplateListPage {
    const VARIES: Varies = Varies { texts: &["rows.name", "rows.pieces.text"], lists: &["rows"] };

    fn samples() -> Vec<Self> {
        let row = |name: &str, parts, has_variables, media, automations| Row {
            id: TemplateId::new(),
            name: name.to_owned(),
            pieces: body_pieces(
                "Hi {{ contact.first_name | default(value=\"there\") }}, <b>your order</b> \
                 is on its way.{% if event.total > 100 %} Thank you!{% endif %}",
            ),
            parts,
            has_variables,
            media,
            automations,
            updated_at: DateTime::UNIX_EPOCH,
            has_draft: media > 0,
        };
        let page = |rows, next, is_first, archived| Self {
            rows,
            next,
            is_first,
            archived,
            in_use: 1_234,
            in_archive: 0,
            has_new_draft: archived,
        };
        vec![
            page(Vec::new(), None, true, false),
            page(Vec::new(), None, false, false),
            page(Vec::new(), None, true, true),
            page(
                vec![row("Order <shipped>", 2, true, 0, 1), row("Welcome & hello", 1, false, 2, 3)],
                Some("Welcome & hello".to_owned()),
                true,
                false,
            ),
        ]
    }
}
