//! The sample of the page for a new automation, which does not depend on data.

use chrono::DateTime;

use super::AutomationStartersPage;
use crate::web::{Samples, Varies};

impl Samples for AutomationStartersPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        Self::new("Bells & <Sons>", DateTime::UNIX_EPOCH).into_iter().collect()
    }
}
