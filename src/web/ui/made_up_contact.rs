//! A made-up contact for previews and dry runs before there is a real one.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::contacts::Contact;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// The form value of the made-up contact, in place of an id.
pub(super) const MADE_UP: &str = "made_up";

/// A number that is not assigned: NANP reserves 555 01xx.
const UNASSIGNED_NUMBER: &str = "+14155550100";

/// The unassigned number.
pub(super) fn unassigned_number() -> Result<PhoneNumber> {
    PhoneNumber::from_e164(UNASSIGNED_NUMBER).map_err(|error| Error::Internal(error.to_string()))
}

/// A contact with a name, an email address and an unassigned number, which is not saved.
pub(super) fn made_up_contact(now: DateTime<Utc>) -> Result<Contact> {
    Ok(Contact {
        id: ContactId::new(),
        phone: unassigned_number()?,
        first_name: Some("Alex".to_owned()),
        last_name: Some("Example".to_owned()),
        email: Some("alex@example.com".to_owned()),
        external_id: None,
        attributes: Value::Object(Map::new()),
        created_at: now,
        updated_at: now,
    })
}
