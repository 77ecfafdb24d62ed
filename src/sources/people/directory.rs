//! Which keys name which person, in the database and by earlier items of the batch.

use std::collections::HashMap;

use chrono::DateTime;
use serde_json::Value;

use super::lookup::{FoundBy, FoundKey, LockedPeople};
use super::person::{
    ContactOrigin, Person, PersonContact, PersonIndex, PersonProfile, ProfileOrigin,
};
use crate::contacts::Contact;
use crate::types::id::{ContactId, ProfileId};
use crate::types::phone::PhoneNumber;

/// The people of a batch, by their keys.
#[derive(Debug, Default)]
pub(super) struct Directory {
    people: Vec<Person>,
    /// For people who turned out to be the same as others, the other one.
    joined_to: HashMap<usize, PersonIndex>,
    user_ids: HashMap<String, PersonIndex>,
    anonymous_ids: HashMap<String, PersonIndex>,
    emails: HashMap<String, PersonIndex>,
    phones: HashMap<PhoneNumber, PersonIndex>,
}

/// The people of contacts and profiles while the directory is built.
#[derive(Default)]
struct Rows {
    contacts: HashMap<ContactId, PersonIndex>,
    profiles: HashMap<ProfileId, PersonIndex>,
}

impl Directory {
    /// The people that were found, some of whom may be locked.
    pub(super) fn of(found: &[FoundKey], locked: &LockedPeople) -> Self {
        let (mut directory, mut rows) = (Self::default(), Rows::default());
        let mut by_contact_email: HashMap<&str, Vec<PersonIndex>> = HashMap::new();
        for key in found {
            let Some(person) = directory.person_of(key, locked, &mut rows) else { continue };
            let (by, value) = (key.0, &key.1);
            match by {
                // The external id of a contact comes before the user id of a profile.
                FoundBy::ExternalId => {
                    directory.user_ids.insert(value.clone(), person);
                }
                FoundBy::UserId => {
                    directory.user_ids.entry(value.clone()).or_insert(person);
                }
                FoundBy::AnonymousId => {
                    directory.anonymous_ids.insert(value.clone(), person);
                }
                FoundBy::Email => {
                    directory.emails.entry(value.clone()).or_insert(person);
                }
                FoundBy::ContactEmail => by_contact_email.entry(value).or_default().push(person),
                FoundBy::Phone => {}
            }
        }
        for (email, people) in by_contact_email {
            // An address of several contacts names none of them.
            if let [person] = people.as_slice() {
                directory.emails.insert(email.to_owned(), *person);
            }
        }
        for stored in locked.profiles.values() {
            let of_contact = stored.contact_id.and_then(|id| rows.contacts.get(&id)).copied();
            if let Some(person) = of_contact {
                let person = &mut directory.people[person.0];
                person.profile.get_or_insert_with(|| PersonProfile::locked(stored));
                if person.user_id.is_none() {
                    person.user_id.clone_from(&stored.user_id);
                }
            }
        }
        directory
    }

    /// The person that a row is about.
    fn person_of(
        &mut self,
        key: &FoundKey,
        locked: &LockedPeople,
        rows: &mut Rows,
    ) -> Option<PersonIndex> {
        let (_, _, contact_id, profile_id, phone, external_id, email, user_id) = key;
        let known = contact_id
            .and_then(|id| rows.contacts.get(&id))
            .or_else(|| profile_id.and_then(|id| rows.profiles.get(&id)));
        let index = match known {
            Some(index) => *index,
            None => self.add(Person::default()),
        };
        let person = &mut self.people[index.0];
        if let (Some(id), Some(phone), None) = (contact_id, phone, &person.contact) {
            let stored = locked.contacts.get(id).cloned();
            let contact = match &stored {
                Some(contact) => contact.clone(),
                None => found_contact(*id, phone, external_id.as_ref(), email.as_ref()),
            };
            let origin = stored
                .map_or(ContactOrigin::Found, |contact| ContactOrigin::Locked(Box::new(contact)));
            person.user_id = contact.external_id.clone().or_else(|| person.user_id.take());
            let phone = contact.phone.clone();
            person.contact = Some(PersonContact { contact, origin });
            rows.contacts.insert(*id, index);
            self.set_phone(&phone, index);
        }
        let person = &mut self.people[index.0];
        if let Some(id) = profile_id {
            rows.profiles.insert(*id, index);
            if person.profile.is_none() {
                let stored = locked.profiles.get(id);
                person.profile =
                    Some(stored.map_or_else(|| PersonProfile::found(*id), PersonProfile::locked));
            }
            if person.user_id.is_none() {
                person.user_id.clone_from(user_id);
            }
        }
        Some(index).filter(|_| contact_id.is_some() || profile_id.is_some())
    }

    pub(super) fn add(&mut self, person: Person) -> PersonIndex {
        self.people.push(person);
        PersonIndex(self.people.len() - 1)
    }

    /// The person that this one turned out to be, or itself.
    pub(super) fn same(&self, mut person: PersonIndex) -> PersonIndex {
        while let Some(other) = self.joined_to.get(&person.0) {
            person = *other;
        }
        person
    }

    /// From now on, both are `other`.
    pub(super) fn join(&mut self, person: PersonIndex, other: PersonIndex) {
        self.joined_to.insert(person.0, other);
    }

    pub(super) fn get(&self, person: PersonIndex) -> &Person {
        &self.people[self.same(person).0]
    }

    pub(super) fn get_mut(&mut self, person: PersonIndex) -> &mut Person {
        let person = self.same(person);
        &mut self.people[person.0]
    }

    /// All people, those excepted who turned out to be others.
    pub(super) fn people(&self) -> impl Iterator<Item = &Person> {
        let is_joined = |index: usize| self.joined_to.contains_key(&index);
        self.people
            .iter()
            .enumerate()
            .filter(move |(index, _)| !is_joined(*index))
            .map(|(_, it)| it)
    }

    /// The ids of contacts and profiles in the database of all people for whom `is_wanted`.
    pub(super) fn stored_ids(
        &self,
        is_wanted: impl Fn(&Person) -> bool,
    ) -> (Vec<ContactId>, Vec<ProfileId>) {
        let wanted = || self.people.iter().filter(|person| is_wanted(person));
        let contacts = wanted().filter_map(|person| person.contact.as_ref());
        let stored = contacts.filter(|it| !matches!(it.origin, ContactOrigin::New));
        let profiles = wanted().filter_map(|person| person.profile.as_ref());
        let stored_profiles = profiles.filter(|it| !matches!(it.origin, ProfileOrigin::New));
        (stored.map(|it| it.contact.id).collect(), stored_profiles.map(|it| it.id).collect())
    }

    pub(super) fn by_user_id(&self, user_id: &str) -> Option<PersonIndex> {
        self.user_ids.get(user_id).map(|person| self.same(*person))
    }

    pub(super) fn by_anonymous_id(&self, anonymous_id: &str) -> Option<PersonIndex> {
        self.anonymous_ids.get(anonymous_id).map(|person| self.same(*person))
    }

    pub(super) fn by_email(&self, email: &str) -> Option<PersonIndex> {
        self.emails.get(email).map(|person| self.same(*person))
    }

    pub(super) fn by_phone(&self, phone: &PhoneNumber) -> Option<PersonIndex> {
        self.phones.get(phone).map(|person| self.same(*person))
    }

    pub(super) fn set_user_id(&mut self, user_id: &str, person: PersonIndex) {
        self.user_ids.insert(user_id.to_owned(), person);
    }

    pub(super) fn set_anonymous_id(&mut self, anonymous_id: &str, person: PersonIndex) {
        self.anonymous_ids.insert(anonymous_id.to_owned(), person);
    }

    pub(super) fn set_email(&mut self, email: &str, person: PersonIndex) {
        self.emails.insert(email.to_owned(), person);
    }

    /// A number names a person in each of its forms.
    pub(super) fn set_phone(&mut self, phone: &PhoneNumber, person: PersonIndex) {
        for form in phone.forms() {
            self.phones.insert(form, person);
        }
    }

    pub(super) fn remove_phone(&mut self, phone: &PhoneNumber) {
        for form in phone.forms() {
            self.phones.remove(&form);
        }
    }
}

/// A contact of which some fields were read.
fn found_contact(
    id: ContactId,
    phone: &PhoneNumber,
    external_id: Option<&String>,
    email: Option<&String>,
) -> Contact {
    Contact {
        id,
        phone: phone.clone(),
        first_name: None,
        last_name: None,
        email: email.cloned(),
        external_id: external_id.cloned(),
        attributes: Value::Null,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    }
}
