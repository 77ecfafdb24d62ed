//! Looks people up by the keys of items, and locks those that are about to change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::traits::Traits;
use crate::contacts::{self, Contact, ExternalId, RowLock};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::sources::Item;
use crate::types::id::{ContactId, ProfileId};
use crate::types::phone::PhoneNumber;
use crate::types::text_enum::text_enum;

text_enum! {
    /// What a key of a profile is.
    pub enum ProfileKeyKind {
        /// The id in the user's own system.
        UserId = "user_id",
        /// The id of a browser or device.
        AnonymousId = "anonymous_id",
        /// An email address, in lower case.
        Email = "email",
    }
}

text_enum! {
    /// By what a person was found.
    pub enum FoundBy {
        /// The external id of a contact.
        ExternalId = "external_id",
        /// The number of a contact.
        Phone = "phone",
        /// The email address of a contact.
        ContactEmail = "contact_email",
        /// A user id of a profile.
        UserId = "user_id",
        /// An anonymous id of a profile.
        AnonymousId = "anonymous_id",
        /// The email address of a profile.
        Email = "email",
    }
}

/// A person that a key names: by what, the key, the contact, the profile; the number, external id
/// and email address of the contact, and a user id of the profile.
pub(in crate::sources) type FoundKey = (
    FoundBy,
    String,
    Option<ContactId>,
    Option<ProfileId>,
    Option<PhoneNumber>,
    Option<String>,
    Option<String>,
    Option<String>,
);

statement! {
    /// Finds the people that keys name; two contacts at most with the same email address.
    struct Lookup<'a> {
        external_ids: &'a [&'a str] => Array<Text>,
        phones: &'a [PhoneNumber] => Array<Text>,
        wanted: batch of WantedEmail<'a> { email: &'a str => Text },
        wanted_key: batch of WantedKey<'a> { kind: ProfileKeyKind => Text, value: &'a str => Text },
    }
    returns (
        Text,
        Text,
        Nullable<SqlUuid>,
        Nullable<SqlUuid>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
    );
    "SELECT 'external_id', external_id, id, NULL::uuid, phone, external_id, email, NULL
     FROM contacts WHERE external_id = ANY ({external_ids})
     UNION ALL
     SELECT 'phone', phone, id, NULL, phone, external_id, email, NULL
     FROM contacts WHERE phone = ANY ({phones})
     UNION ALL
     SELECT 'contact_email', wanted.email, found.id, NULL, found.phone, found.external_id,
         found.email, NULL
     FROM {wanted}
     CROSS JOIN LATERAL (
         SELECT id, phone, external_id, contacts.email FROM contacts
         WHERE lower(contacts.email) = wanted.email
         LIMIT 2
     ) AS found
     UNION ALL
     SELECT key.kind, key.value, contacts.id, profiles.id, contacts.phone, contacts.external_id,
         contacts.email, (
             SELECT user_id.value FROM profile_keys AS user_id
             WHERE user_id.profile_id = profiles.id AND user_id.kind = 'user_id'
             ORDER BY user_id.value LIMIT 1
         )
     FROM {wanted_key}
     JOIN profile_keys AS key ON key.kind = wanted_key.kind AND key.value = wanted_key.value
     JOIN profiles ON profiles.id = key.profile_id
     LEFT JOIN contacts ON contacts.id = profiles.contact_id"
}

statement! {
    /// Locks profiles, and those of contacts, in the order of their ids.
    struct LockProfiles<'a> {
        ids: &'a [ProfileId] => Array<SqlUuid>,
        contact_ids: &'a [ContactId] => Array<SqlUuid>,
    }
    returns (SqlUuid, Nullable<SqlUuid>, Jsonb, Timestamptz, Nullable<Text>);
    "SELECT id, contact_id, traits, identified_at, (
         SELECT value FROM profile_keys AS user_id
         WHERE user_id.profile_id = profiles.id AND user_id.kind = 'user_id'
         ORDER BY value LIMIT 1
     )
     FROM profiles
     WHERE id IN (
         SELECT unnest({ids})
         UNION
         SELECT of_contact.id FROM profiles AS of_contact
         WHERE of_contact.contact_id = ANY ({contact_ids})
     )
     ORDER BY id
     FOR NO KEY UPDATE OF profiles"
}

/// The people who are about to change, as they are in the database; locked.
#[derive(Debug, Default)]
pub(super) struct LockedPeople {
    pub(super) contacts: HashMap<ContactId, Contact>,
    pub(super) profiles: BTreeMap<ProfileId, StoredProfile>,
}

/// A profile as it is in the database.
#[derive(Debug, Clone)]
pub(super) struct StoredProfile {
    pub(super) id: ProfileId,
    pub(super) contact_id: Option<ContactId>,
    pub(super) traits: Traits,
    /// The time of its newest description; none if it was never described.
    pub(super) identified_at: Option<DateTime<Utc>>,
    /// One of its user ids.
    pub(super) user_id: Option<String>,
}

/// Finds the people that the keys of items name, in one statement.
pub(in crate::sources) async fn find(mut conn: &Conn, items: &[&Item]) -> Result<Vec<FoundKey>> {
    let emails: Vec<String> = items.iter().filter_map(|item| email_key(item)).collect();
    let mut phones = BTreeSet::new();
    let (mut user_ids, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        phones.extend(item.person.phone.iter().flat_map(PhoneNumber::forms));
        let user_id = item.person.user_id.as_ref().map(ExternalId::as_str);
        let previous = item.previous_id.as_deref();
        let anonymous = item.person.anonymous_id.as_deref();
        user_ids.extend(user_id.into_iter().chain(previous));
        keys.extend(
            anonymous.into_iter().chain(previous).map(|id| (ProfileKeyKind::AnonymousId, id)),
        );
    }
    keys.extend(user_ids.iter().map(|id| (ProfileKeyKind::UserId, *id)));
    keys.extend(emails.iter().map(|email| (ProfileKeyKind::Email, email.as_str())));
    let wanted: BTreeSet<&str> = emails.iter().map(String::as_str).collect();
    let external_ids: Vec<&str> = user_ids.into_iter().collect();
    let phones: Vec<PhoneNumber> = phones.into_iter().collect();
    let lookup = Lookup {
        external_ids: &external_ids,
        phones: &phones,
        wanted: wanted.into_iter().map(|email| WantedEmail { email }).collect(),
        wanted_key: keys.into_iter().map(|(kind, value)| WantedKey { kind, value }).collect(),
    };
    Ok(lookup.load(&mut conn).await?)
}

/// The email address of an item's person, as a key.
pub(super) fn email_key(item: &Item) -> Option<String> {
    item.person.email.as_ref().map(|email| email.as_str().to_lowercase())
}

/// Locks contacts, then profiles and those of the contacts, each in the order of their ids.
pub(super) async fn lock(
    conn: &mut Conn,
    contact_ids: &[ContactId],
    profile_ids: &[ProfileId],
    row_lock: RowLock,
) -> Result<LockedPeople> {
    type Row = (ProfileId, Option<ContactId>, Value, DateTime<Utc>, Option<String>);
    let contacts = contacts::lock_many(conn, contact_ids, row_lock).await?;
    let rows: Vec<Row> = LockProfiles { ids: profile_ids, contact_ids }.load(conn).await?;
    let profiles = rows.into_iter().map(|(id, contact_id, traits, identified_at, user_id)| {
        let profile = StoredProfile {
            id,
            contact_id,
            traits: Traits::of_profile(traits),
            identified_at: Some(identified_at).filter(|at| *at > DateTime::UNIX_EPOCH),
            user_id,
        };
        (id, profile)
    });
    Ok(LockedPeople {
        contacts: contacts.into_iter().map(|contact| (contact.id, contact)).collect(),
        profiles: profiles.collect(),
    })
}
