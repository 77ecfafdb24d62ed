//! Samples of the list of set-aside items: empty, some, and more than are counted.

use chrono::{DateTime, TimeDelta};

use super::SetAsidePage;
use crate::queue::set_aside::{self, SetAside, Task, TaskItem};
use crate::types::id::MessageId;
use crate::web::{Samples, Varies};

impl Samples for SetAsidePage {
    const VARIES: Varies = Varies { texts: &["rows.error"], lists: &["rows"] };

    fn samples() -> Vec<Self> {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let aside = |id, task, subject: &str, error: &str| SetAside {
            id,
            item: TaskItem::new(task, subject, None),
            error: error.to_owned(),
            attempts: 3,
            first_at: now - TimeDelta::hours(3),
            last_at: now - TimeDelta::minutes(2),
            next_try_at: now + TimeDelta::minutes(2),
        };
        let items = vec![
            aside(
                1,
                Task::TakeIn,
                "SM0123456789abcdef0123456789abcdef",
                "The database could not do that: <invalid> byte",
            ),
            aside(
                2,
                Task::LookUp,
                &MessageId::new().to_string(),
                &"averylongwordwithoutablank".repeat(20),
            ),
            aside(3, Task::Fold, "17", "مهلة الاتصال"),
        ];
        vec![
            Self::new(Vec::new(), &[], None, 0),
            Self::new(items.clone(), &[], Some(4), set_aside::MAX_COUNTED + 1),
            Self::new(items[..1].to_vec(), &[], None, 1),
            Self::new(Vec::new(), &[], Some(1), 3),
        ]
    }
}
