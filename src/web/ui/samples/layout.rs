//! The head of a page with everything that it can show.

use std::sync::LazyLock;

use super::Layout;
use crate::senders::Stopped;
use crate::types::id::ConnectionId;
use crate::users::{Role, Theme, User};
use crate::web::http::flash::{Flash, FlashKind, Undo};
use crate::web::ui::samples;

impl Layout<'static> {
    pub(in crate::web) fn sample() -> Self {
        static USER: LazyLock<User> =
            LazyLock::new(|| samples::user("Ada <Lovelace>", Role::Admin));
        static STOPS: LazyLock<Vec<Stopped>> = LazyLock::new(|| {
            let stop = |sender: Option<&str>| Stopped {
                connection_id: ConnectionId::new(),
                connection: "Shop <1>".to_owned(),
                sender: sender.map(str::to_owned),
            };
            vec![stop(None), stop(Some("+1 500 555 0006"))]
        });
        static FLASH: LazyLock<Flash> = LazyLock::new(|| {
            let undo = Undo {
                path: "/contacts/1/tags".to_owned(),
                fields: vec![("tag".to_owned(), "<VIP>".to_owned())],
            };
            Flash { kind: FlashKind::Success, text: "Tag removed.".to_owned(), undo: Some(undo) }
        });
        Layout {
            organization: "Bells & Sons",
            time_zone: "Europe/Berlin",
            day_zone: "America/Argentina/ComodRivadavia",
            theme: Theme::Dark,
            path: "/contacts",
            csrf: "token".to_owned(),
            flash: Some(&FLASH),
            stops: &STOPS,
            user: Some(&USER),
            can_edit: true,
            can_administer: true,
            folded: false,
            has_style_guide: true,
            invalid: false,
        }
    }
}
