//! A person while a batch is worked through: their contact, if there is one, and their profile.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::lookup::StoredProfile;
use super::traits::Traits;
use crate::contacts::Contact;
use crate::types::id::{ContactId, ProfileId};
use crate::types::phone::PhoneNumber;

/// A person's place among the people of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PersonIndex(pub(super) usize);

/// A person; without a contact, they have a profile.
#[derive(Debug, Default)]
pub(super) struct Person {
    pub(super) contact: Option<PersonContact>,
    pub(super) profile: Option<PersonProfile>,
    /// One of their user ids.
    pub(super) user_id: Option<String>,
    /// Whether something about them changes.
    pub(super) is_touched: bool,
}

/// The contact of a person.
#[derive(Debug)]
pub(super) struct PersonContact {
    /// As it is to be. If it was only found, it lacks names and attributes.
    pub(super) contact: Contact,
    pub(super) origin: ContactOrigin,
}

/// How a contact is known.
#[derive(Debug)]
pub(super) enum ContactOrigin {
    /// Some of its fields were read.
    Found,
    /// It is locked, and this is how it is in the database.
    Locked(Box<Contact>),
    /// It is to be created.
    New,
}

/// The profile of a person.
#[derive(Debug, Clone)]
pub(super) struct PersonProfile {
    pub(super) id: ProfileId,
    /// What is known; empty if there is a contact, which has it.
    pub(super) traits: Traits,
    /// The time of the newest description.
    pub(super) identified_at: Option<DateTime<Utc>>,
    pub(super) origin: ProfileOrigin,
}

/// How a profile is known.
#[derive(Debug, Clone)]
pub(super) enum ProfileOrigin {
    /// Its id was read.
    Found,
    /// It is locked, and this is how it is in the database.
    Locked(Box<StoredProfile>),
    /// It is to be inserted.
    New,
}

/// A row of `profiles` that is to be inserted or changed.
#[derive(Debug)]
pub(super) struct ProfileToSave {
    pub(super) id: ProfileId,
    pub(super) contact_id: Option<ContactId>,
    pub(super) traits: Value,
    pub(super) identified_at: DateTime<Utc>,
}

impl Person {
    /// Whether they are only known by a device or an email address.
    pub(super) const fn is_anonymous(&self) -> bool {
        self.contact.is_none() && self.user_id.is_none()
    }

    pub(super) fn contact_id(&self) -> Option<ContactId> {
        self.contact.as_ref().map(|contact| contact.contact.id)
    }

    pub(super) fn has_email(&self) -> bool {
        match (&self.contact, &self.profile) {
            (Some(it), _) => it.contact.email.is_some(),
            (None, Some(profile)) => profile.traits.has_email(),
            (None, None) => false,
        }
    }

    pub(super) fn identified_at(&self) -> Option<DateTime<Utc>> {
        self.profile.as_ref()?.identified_at
    }

    /// Whether all of their rows that exist are locked.
    pub(super) fn is_locked(&self) -> bool {
        let contact = self.contact.as_ref().map(|contact| &contact.origin);
        let profile = self.profile.as_ref().map(|profile| &profile.origin);
        !matches!(contact, Some(ContactOrigin::Found))
            && !matches!(profile, Some(ProfileOrigin::Found))
    }

    /// Their profile, which is begun if there is none.
    pub(super) fn profile_or_new(&mut self) -> &mut PersonProfile {
        self.profile.get_or_insert_with(PersonProfile::begin)
    }

    /// Gives them a contact with this number, which has what is known about them.
    pub(super) fn begin_contact(&mut self, phone: PhoneNumber, now: DateTime<Utc>) {
        let contact = Contact {
            id: ContactId::new(),
            phone,
            first_name: None,
            last_name: None,
            email: None,
            external_id: self.user_id.clone(),
            attributes: Value::Object(Map::new()),
            created_at: now,
            updated_at: now,
        };
        self.contact = Some(PersonContact { contact, origin: ContactOrigin::New });
    }

    /// The row of their profile, if it is new or has changed.
    pub(super) fn profile_to_save(&self) -> Option<ProfileToSave> {
        let profile = self.profile.as_ref()?;
        let contact_id = self.contact_id();
        let is_stored = match &profile.origin {
            ProfileOrigin::Found => true,
            ProfileOrigin::New => false,
            ProfileOrigin::Locked(stored) => {
                stored.contact_id == contact_id
                    && stored.traits == profile.traits
                    && stored.identified_at == profile.identified_at
            }
        };
        (!is_stored).then(|| ProfileToSave {
            id: profile.id,
            contact_id,
            traits: profile.traits.to_value(),
            identified_at: profile.identified_at.unwrap_or(DateTime::UNIX_EPOCH),
        })
    }
}

impl PersonContact {
    /// The contact as it is to be, if fields other than its number have changed.
    pub(super) fn changed(&self) -> Option<&Contact> {
        let ContactOrigin::Locked(before) = &self.origin else { return None };
        let after = &self.contact;
        let is_same = before.first_name == after.first_name
            && before.last_name == after.last_name
            && before.email == after.email
            && before.external_id == after.external_id
            && before.attributes == after.attributes;
        (!is_same).then_some(after)
    }

    /// Whether it gives up the external id that it has in the database.
    pub(super) fn releases_external_id(&self) -> bool {
        match &self.origin {
            ContactOrigin::Locked(before) => {
                before.external_id.is_some() && before.external_id != self.contact.external_id
            }
            ContactOrigin::Found | ContactOrigin::New => false,
        }
    }
}

impl PersonProfile {
    fn begin() -> Self {
        Self {
            id: ProfileId::new(),
            traits: Traits::default(),
            identified_at: None,
            origin: ProfileOrigin::New,
        }
    }

    /// A profile of which only the id was read.
    pub(super) fn found(id: ProfileId) -> Self {
        Self { id, origin: ProfileOrigin::Found, ..Self::begin() }
    }

    /// A locked profile.
    pub(super) fn locked(stored: &StoredProfile) -> Self {
        Self {
            id: stored.id,
            traits: stored.traits.clone(),
            identified_at: stored.identified_at,
            origin: ProfileOrigin::Locked(Box::new(stored.clone())),
        }
    }
}
