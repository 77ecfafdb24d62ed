//! The sample of the page of keyboard shortcuts.

use super::ShortcutsPage;
use crate::web::{Samples, Varies};

impl Samples for ShortcutsPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        vec![Self {}]
    }
}
