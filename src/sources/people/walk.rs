//! Goes through the items of a batch in order, and decides who each is about and what changes.
//! Nothing here touches the database: see `store.rs`.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};

use super::directory::Directory;
use super::lookup::{ProfileKeyKind, email_key};
use super::person::{ContactOrigin, Person, PersonIndex};
use super::traits::{Traits, Weight};
use crate::contacts::ExternalId;
use crate::sources::Item;
use crate::types::id::{ContactId, ProfileId};
use crate::types::phone::PhoneNumber;

/// What a batch changes about people; the greater needs include the smaller ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Nothing.
    Nothing,
    /// Fields of contacts and profiles that exist.
    Fields,
    /// Which keys name whom, new people, and numbers.
    Keys,
}

/// The decisions about a batch.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) people: Directory,
    pub(super) need: Need,
    /// Whether a row has to change that is not locked.
    pub(super) lacks_locks: bool,
    /// The person of each item.
    pub(super) persons: Vec<Option<PersonIndex>>,
    /// New names of profiles.
    pub(super) keys: BTreeMap<(ProfileKeyKind, String), PersonIndex>,
    /// Profiles whose keys go to the profiles of other people.
    pub(super) joined: Vec<(ProfileId, PersonIndex)>,
    /// Changed numbers of contacts, in order.
    pub(super) number_changes: Vec<NumberChange>,
    /// Numbers of people who turned out to have the contact of another number.
    pub(super) passed_on: Vec<(PhoneNumber, PersonIndex)>,
    pub(super) now: DateTime<Utc>,
}

/// A contact's number that changes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NumberChange {
    pub(super) contact_id: ContactId,
    pub(super) from: PhoneNumber,
    pub(super) to: PhoneNumber,
}

/// What an item says about its person.
struct Said {
    traits: Traits,
    at: DateTime<Utc>,
    /// Whether it describes the person, instead of mentioning them in an event.
    describes: bool,
}

/// How a person was recognised.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Match {
    /// By user id, number, or an earlier id.
    Sure(PersonIndex),
    /// By a device or an email address, which people share.
    Likely(PersonIndex),
}

impl Walk {
    /// Decides about items in order; an earlier one counts for later ones.
    pub(super) fn through(items: &[&Item], people: Directory, now: DateTime<Utc>) -> Self {
        let mut walk = Self {
            people,
            need: Need::Nothing,
            lacks_locks: false,
            persons: Vec::with_capacity(items.len()),
            keys: BTreeMap::new(),
            joined: Vec::new(),
            number_changes: Vec::new(),
            passed_on: Vec::new(),
            now,
        };
        for item in items {
            let person = walk.item(item);
            walk.persons.push(person);
        }
        walk
    }

    /// The contact of each item, as it is after the whole batch.
    pub(super) fn contacts(&self) -> Vec<Option<ContactId>> {
        let contact_id = |person: PersonIndex| self.people.get(person).contact_id();
        self.persons.iter().map(|person| person.and_then(contact_id)).collect()
    }

    /// The numbers whose suppressions may move.
    pub(super) fn numbers(&self) -> Vec<PhoneNumber> {
        let changed = self.number_changes.iter().flat_map(|change| [&change.from, &change.to]);
        let passed_on = self.passed_on.iter().flat_map(|(from, to)| {
            let to = self.people.get(*to).contact.as_ref().map(|it| &it.contact.phone);
            std::iter::once(from).chain(to)
        });
        let mut numbers: Vec<PhoneNumber> = changed.chain(passed_on).cloned().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The ids in the database of the people about whom something changes.
    pub(super) fn touched(&self) -> (Vec<ContactId>, Vec<ProfileId>) {
        let (contacts, mut profiles) = self.people.stored_ids(|person| person.is_touched);
        profiles.extend(self.joined.iter().map(|(profile_id, _)| profile_id));
        (contacts, profiles)
    }

    fn item(&mut self, item: &Item) -> Option<PersonIndex> {
        let said = Said::by(item, self.now);
        let person = self.settle_number(item, &said, self.find(item))?;
        self.link_user_id(person, item);
        self.link_anonymous_id(person, item, &said);
        self.link_email(person, item, &said);
        let person = self.link_previous_id(person, item);
        self.describe(person, &said);
        Some(person)
    }

    fn find(&self, item: &Item) -> Option<Match> {
        let keys = &item.person;
        let user_id = keys.user_id.as_ref().map(ExternalId::as_str);
        if let Some(person) = user_id.and_then(|id| self.people.by_user_id(id)) {
            return Some(Match::Sure(person));
        }
        if let Some(person) = keys.phone.as_ref().and_then(|phone| self.people.by_phone(phone)) {
            return Some(Match::Sure(person));
        }
        if let Some(person) = self.by_previous_id(item) {
            return Some(Match::Sure(person));
        }
        // Two user ids are two people, even at one device or with one email address.
        let can_be =
            |person: &PersonIndex| user_id.is_none() || self.people.get(*person).user_id.is_none();
        let anonymous = keys.anonymous_id.as_ref().and_then(|id| self.people.by_anonymous_id(id));
        let by_email = || email_key(item).and_then(|email| self.people.by_email(&email));
        anonymous.filter(can_be).or_else(|| by_email().filter(can_be)).map(Match::Likely)
    }

    fn by_previous_id(&self, item: &Item) -> Option<PersonIndex> {
        let previous = item.previous_id.as_deref()?;
        self.people.by_user_id(previous).or_else(|| self.people.by_anonymous_id(previous))
    }

    /// The person after the item's number is taken into account; none if the item is about an
    /// unknown person and describes nothing that could be kept.
    fn settle_number(
        &mut self,
        item: &Item,
        said: &Said,
        found: Option<Match>,
    ) -> Option<PersonIndex> {
        let Some(phone) = &item.person.phone else {
            let is_kept = said.describes || item.previous_id.is_some();
            return found.map(Match::person).or_else(|| is_kept.then(|| self.begin_profile()));
        };
        let Some(found) = found else { return Some(self.begin_contact(phone)) };
        let person = found.person();
        let owner = self.people.by_phone(phone);
        if owner == Some(person) {
            return Some(person);
        }
        let has_contact = self.people.get(person).contact.is_some();
        let is_newest = said.describes && self.is_newest(person, said.at);
        Some(match owner {
            Some(owner) if !has_contact => {
                self.join(person, owner);
                owner
            }
            Some(owner) if is_newest => {
                self.pass_on_keys(item, person, owner);
                owner
            }
            None if !has_contact => {
                let user_id = item.person.user_id.as_ref().map(ExternalId::as_str);
                self.become_contact(person, phone, user_id);
                person
            }
            None if is_newest => {
                self.change_number(person, phone);
                person
            }
            None if !said.describes && matches!(found, Match::Likely(_)) => {
                self.begin_contact(phone)
            }
            Some(_) | None => person,
        })
    }

    fn link_user_id(&mut self, person: PersonIndex, item: &Item) {
        let Some(user_id) = item.person.user_id.as_ref().map(ExternalId::as_str) else { return };
        let known = self.people.by_user_id(user_id);
        let lacks_external_id = || {
            let contact = self.people.get(person).contact.as_ref();
            contact.is_some_and(|it| it.contact.external_id.is_none())
        };
        if known.is_none() || (known == Some(person) && lacks_external_id()) {
            self.name(person, user_id);
        }
    }

    fn link_anonymous_id(&mut self, person: PersonIndex, item: &Item, said: &Said) {
        let Some(anonymous_id) = item.person.anonymous_id.as_deref() else { return };
        match self.people.by_anonymous_id(anonymous_id) {
            Some(known) if known == person => {}
            Some(known) if self.people.get(known).is_anonymous() => self.join(known, person),
            Some(_) if !said.describes => {}
            None | Some(_) => self.add_anonymous_id(person, anonymous_id),
        }
    }

    fn link_email(&mut self, person: PersonIndex, item: &Item, said: &Said) {
        let Some(email) = email_key(item) else { return };
        match self.people.by_email(&email) {
            Some(known) if known != person && self.people.get(known).is_anonymous() => {
                self.join(known, person);
            }
            Some(_) => {}
            None => {
                // A contact is found by its own email address.
                if self.people.get(person).contact.is_none() {
                    self.add_key(person, ProfileKeyKind::Email, &email);
                }
                if said.describes || self.people.get(person).contact.is_none() {
                    self.people.set_email(&email, person);
                }
            }
        }
    }

    /// Takes an earlier id of the person into account, and returns the person whom both ids name.
    fn link_previous_id(&mut self, person: PersonIndex, item: &Item) -> PersonIndex {
        let Some(previous) = item.previous_id.as_deref() else { return person };
        let person = match self.by_previous_id(item) {
            None => {
                self.add_anonymous_id(person, previous);
                person
            }
            Some(former) if former == person => person,
            Some(former) if self.people.get(former).contact.is_none() => {
                self.join(former, person);
                person
            }
            Some(former) if self.people.get(person).contact.is_none() => {
                self.join(person, former);
                former
            }
            Some(former) => {
                self.pass_on_previous_id(previous, former, person);
                person
            }
        };
        let external_id = |people: &Directory| {
            people.get(person).contact.as_ref().and_then(|it| it.contact.external_id.clone())
        };
        if let Some(user_id) = item.person.user_id.as_ref().map(ExternalId::as_str)
            && user_id != previous
            && external_id(&self.people).as_deref() == Some(previous)
        {
            self.add_key(person, ProfileKeyKind::UserId, previous);
            self.people.set_user_id(user_id, person);
            if let Some(contact) = &mut self.people.get_mut(person).contact {
                contact.contact.external_id = Some(user_id.to_owned());
            }
        }
        person
    }

    /// Stores what is said about a person.
    fn describe(&mut self, person: PersonIndex, said: &Said) {
        let is_newest = said.describes && self.is_newest(person, said.at);
        let weight = if is_newest { Weight::Replaces } else { Weight::FillsIn };
        if self.learns(person, said) {
            self.touch(person, Need::Fields);
            learn(self.people.get_mut(person), &said.traits, weight);
        }
        if is_newest {
            self.touch(person, Need::Fields);
            self.people.get_mut(person).profile_or_new().identified_at = Some(said.at);
        }
    }

    /// Whether what is said may change what is known.
    fn learns(&self, person: PersonIndex, said: &Said) -> bool {
        let lacks_email = || !self.people.get(person).has_email();
        !said.traits.is_empty() && (said.describes || lacks_email())
    }

    fn is_newest(&self, person: PersonIndex, at: DateTime<Utc>) -> bool {
        self.people.get(person).identified_at().is_none_or(|identified_at| at >= identified_at)
    }
}

/// Adds traits to the contact, or to the profile if there is none.
pub(super) fn learn(person: &mut Person, traits: &Traits, weight: Weight) {
    match &mut person.contact {
        Some(it) if matches!(it.origin, ContactOrigin::Found) => {}
        Some(it) => traits.add_to_contact(&mut it.contact, weight),
        None => person.profile_or_new().traits.learn(traits, weight),
    }
}

impl Said {
    fn by(item: &Item, now: DateTime<Utc>) -> Self {
        let is_event = item.event.is_some() || item.previous_id.is_some();
        Self {
            traits: Traits::of_item(item),
            // A clock that is ahead must not outdo later descriptions.
            at: item.at.map_or(now, |at| at.min(now).trunc_subsecs(6)),
            describes: !is_event || !item.description.is_empty(),
        }
    }
}

impl Match {
    const fn person(self) -> PersonIndex {
        match self {
            Self::Sure(person) | Self::Likely(person) => person,
        }
    }
}
