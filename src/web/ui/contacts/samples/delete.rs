//! Samples of the confirmation before a contact is deleted: suppressed, and not.

use super::ContactDeletePage;
use crate::consent::Reason;
use crate::web::ui::contacts::samples;
use crate::web::{Samples, Varies};

impl Samples for ContactDeletePage {
    const VARIES: Varies = Varies { texts: &["name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let contacts = samples::contacts().into_iter();
        let suppressions = [Some(Reason::Stop.label()), None].into_iter();
        contacts
            .zip(suppressions)
            .map(|(contact, suppression)| Self {
                id: contact.id,
                name: contact.full_name(),
                phone: contact.phone,
                suppression,
            })
            .collect()
    }
}
