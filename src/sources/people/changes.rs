//! The changes that the walk through a batch makes to people and their keys.

use super::lookup::ProfileKeyKind;
use super::person::{ContactOrigin, Person, PersonIndex, ProfileOrigin};
use super::traits::Weight;
use super::walk::{Need, NumberChange, Walk, learn};
use crate::sources::Item;
use crate::types::phone::PhoneNumber;

impl Walk {
    /// Records that something about a person changes.
    pub(super) fn touch(&mut self, person: PersonIndex, need: Need) {
        self.need = self.need.max(need);
        let person = self.people.get_mut(person);
        person.is_touched = true;
        self.lacks_locks |= !person.is_locked();
    }

    /// A new person who has no number yet.
    pub(super) fn begin_profile(&mut self) -> PersonIndex {
        let person = self.people.add(Person::default());
        self.touch(person, Need::Keys);
        self.people.get_mut(person).profile_or_new();
        person
    }

    /// A new person with a number.
    pub(super) fn begin_contact(&mut self, phone: &PhoneNumber) -> PersonIndex {
        let person = self.people.add(Person::default());
        self.become_contact(person, phone, None);
        person
    }

    /// Gives a person a number for the first time; of several user ids, the one by which they were
    /// found becomes the external id of their contact.
    pub(super) fn become_contact(
        &mut self,
        person: PersonIndex,
        phone: &PhoneNumber,
        found_by: Option<&str>,
    ) {
        self.touch(person, Need::Keys);
        let now = self.now;
        let user_id = found_by.filter(|id| self.people.by_user_id(id) == Some(person));
        let it = self.people.get_mut(person);
        if let Some(user_id) = user_id {
            it.user_id = Some(user_id.to_owned());
        }
        it.begin_contact(phone.clone(), now);
        let traits = it.profile.as_mut().map(|profile| std::mem::take(&mut profile.traits));
        if let Some(traits) = traits {
            learn(it, &traits, Weight::Replaces);
        }
        self.people.set_phone(phone, person);
    }

    /// Changes the number of a contact.
    pub(super) fn change_number(&mut self, person: PersonIndex, phone: &PhoneNumber) {
        self.touch(person, Need::Keys);
        let Some(it) = &mut self.people.get_mut(person).contact else { return };
        let from = std::mem::replace(&mut it.contact.phone, phone.clone());
        if !matches!(it.origin, ContactOrigin::New) {
            let (contact_id, to) = (it.contact.id, phone.clone());
            self.number_changes.push(NumberChange { contact_id, from: from.clone(), to });
        }
        self.people.remove_phone(&from);
        self.people.set_phone(phone, person);
    }

    /// Lets a user id name a person: as the external id of their contact, or, if that has one
    /// already, as a key of their profile.
    pub(super) fn name(&mut self, person: PersonIndex, user_id: &str) {
        self.touch(person, Need::Keys);
        self.people.set_user_id(user_id, person);
        let it = self.people.get_mut(person);
        it.user_id.get_or_insert_with(|| user_id.to_owned());
        match &mut it.contact {
            Some(it) if it.contact.external_id.is_none() => {
                it.contact.external_id = Some(user_id.to_owned());
            }
            Some(it) if it.contact.external_id.as_deref() == Some(user_id) => {}
            Some(_) | None => self.add_key(person, ProfileKeyKind::UserId, user_id),
        }
    }

    pub(super) fn add_anonymous_id(&mut self, person: PersonIndex, anonymous_id: &str) {
        self.add_key(person, ProfileKeyKind::AnonymousId, anonymous_id);
        self.people.set_anonymous_id(anonymous_id, person);
    }

    /// Lets a key name the profile of a person.
    pub(super) fn add_key(&mut self, person: PersonIndex, kind: ProfileKeyKind, value: &str) {
        self.touch(person, Need::Keys);
        self.people.get_mut(person).profile_or_new();
        self.keys.insert((kind, value.to_owned()), person);
    }

    /// Makes a person without a contact the same as another.
    pub(super) fn join(&mut self, person: PersonIndex, other: PersonIndex) {
        self.touch(person, Need::Keys);
        self.touch(other, Need::Keys);
        let gone = self.people.get_mut(person);
        let (profile, user_id) = (gone.profile.take(), gone.user_id.take());
        let it = self.people.get_mut(other);
        if it.user_id.is_none() {
            it.user_id = user_id;
        }
        if let Some(mut profile) = profile {
            let traits = std::mem::take(&mut profile.traits);
            let weight = if profile.identified_at >= it.identified_at() {
                Weight::Replaces
            } else {
                Weight::FillsIn
            };
            match &mut it.profile {
                Some(kept) => {
                    kept.identified_at = kept.identified_at.max(profile.identified_at);
                    if !matches!(profile.origin, ProfileOrigin::New) {
                        self.joined.push((profile.id, other));
                    }
                }
                None => it.profile = Some(profile),
            }
            learn(self.people.get_mut(other), &traits, weight);
        }
        self.people.join(person, other);
    }

    /// The keys by which an item names a person go to the contact who has the item's number.
    pub(super) fn pass_on_keys(&mut self, item: &Item, from: PersonIndex, to: PersonIndex) {
        if let Some(user_id) = &item.person.user_id {
            self.pass_on_user_id(user_id.as_str(), from, to);
        }
        self.pass_on_suppressions(from, to);
    }

    /// An earlier id of a contact goes to another contact, who turned out to be the same person.
    pub(super) fn pass_on_previous_id(&mut self, id: &str, from: PersonIndex, to: PersonIndex) {
        if self.people.by_user_id(id) == Some(from) {
            self.pass_on_user_id(id, from, to);
        }
        if self.people.by_anonymous_id(id) == Some(from) {
            self.add_anonymous_id(to, id);
        }
        self.pass_on_suppressions(from, to);
    }

    fn pass_on_user_id(&mut self, user_id: &str, from: PersonIndex, to: PersonIndex) {
        self.touch(from, Need::Keys);
        let former = self.people.get_mut(from);
        if let Some(it) = &mut former.contact
            && it.contact.external_id.as_deref() == Some(user_id)
        {
            it.contact.external_id = None;
        }
        if former.user_id.as_deref() == Some(user_id) {
            former.user_id = None;
        }
        self.name(to, user_id);
        // A key of the former profile may name the person by the same id.
        self.add_key(to, ProfileKeyKind::UserId, user_id);
    }

    /// What a person asked for at one number holds for the other one, too.
    fn pass_on_suppressions(&mut self, from: PersonIndex, to: PersonIndex) {
        self.touch(from, Need::Keys);
        self.touch(to, Need::Keys);
        if let Some(it) = &self.people.get(from).contact {
            let phone = it.contact.phone.clone();
            self.passed_on.push((phone, to));
        }
    }
}
