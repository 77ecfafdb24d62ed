//! Stores what a batch changes about people: a fixed number of statements, besides those for
//! changed numbers.

use chrono::{DateTime, Utc};
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::lookup::ProfileKeyKind;
use super::person::{ContactOrigin, Person, PersonContact, ProfileToSave};
use super::walk::{NumberChange, Walk};
use crate::consent::{Reason, Requester};
use crate::contacts::{self, Contact, ContactChange, ContactPatch};
use crate::db::statement::statement;
use crate::db::{Conn, violated_constraint};
use crate::error::{Error, Result};
use crate::types::id::{ContactId, ProfileId};
use crate::types::phone::PhoneNumber;

/// The people of a batch, and what changed about them.
#[must_use = "automations react to the changes, and messages pending to a suppressed number are \
              suppressed"]
#[derive(Debug, Default)]
pub(in crate::sources) struct ResolvedPeople {
    /// The contact of each item; none if their number is not known.
    pub(in crate::sources) contacts: Vec<Option<ContactId>>,
    /// Contacts that were created, and tags that were added.
    pub(in crate::sources) changes: Vec<ContactChange>,
    /// Numbers to which a suppression moved.
    pub(in crate::sources) suppressed: Vec<(PhoneNumber, Reason)>,
}

statement! {
    /// Inserts profiles, or changes them.
    struct SaveProfiles<'a> {
        profile: batch of SaveProfilesRow<'a> {
            id: ProfileId => SqlUuid,
            contact_id: Option<ContactId> => Nullable<SqlUuid>,
            traits: &'a Value => Jsonb,
            identified_at: DateTime<Utc> => Timestamptz,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "INSERT INTO profiles (id, contact_id, traits, identified_at, updated_at)
     SELECT id, contact_id, traits, identified_at, {now} FROM {profile}
     ON CONFLICT (id) DO UPDATE
     SET contact_id = EXCLUDED.contact_id, traits = EXCLUDED.traits,
         identified_at = EXCLUDED.identified_at, updated_at = EXCLUDED.updated_at"
}

statement! {
    /// Lets all keys of profiles name other profiles.
    struct JoinKeys {
        joined: batch of JoinKeysRow { former: ProfileId => SqlUuid, kept: ProfileId => SqlUuid },
    }
    returns ();
    "UPDATE profile_keys SET profile_id = joined.kept
     FROM {joined}
     WHERE profile_keys.profile_id = joined.former"
}

statement! {
    /// Deletes profiles that are the same as others.
    struct DeleteProfiles<'a> { ids: &'a [ProfileId] => Array<SqlUuid> }
    returns ();
    "DELETE FROM profiles WHERE id = ANY ({ids})"
}

statement! {
    /// Lets keys name profiles.
    struct SaveKeys<'a> {
        key: batch of SaveKeysRow<'a> {
            kind: ProfileKeyKind => Text,
            value: &'a str => Text,
            profile_id: ProfileId => SqlUuid,
        },
    }
    returns ();
    "INSERT INTO profile_keys (kind, value, profile_id)
     SELECT key.kind, key.value, key.profile_id FROM {key}
     ON CONFLICT (kind, value) DO UPDATE SET profile_id = EXCLUDED.profile_id"
}

/// Stores the changes of a walk whose people are locked.
pub(super) async fn store(conn: &mut Conn, walk: &Walk) -> Result<ResolvedPeople> {
    let mut resolved = ResolvedPeople { contacts: walk.contacts(), ..ResolvedPeople::default() };
    store_contacts(conn, walk, &mut resolved).await?;
    store_profiles(conn, walk).await?;
    Ok(resolved)
}

async fn store_contacts(conn: &mut Conn, walk: &Walk, resolved: &mut ResolvedPeople) -> Result<()> {
    let contacts = || walk.people.people().filter_map(|person| person.contact.as_ref());
    let released: Vec<ContactId> =
        contacts().filter(|it| it.releases_external_id()).map(|it| it.contact.id).collect();
    contacts::release_external_ids(conn, &released).await?;
    for change in &walk.number_changes {
        let (changes, suppressed) = change_number(conn, change, walk.now).await?;
        resolved.changes.extend(changes);
        resolved.suppressed.extend(suppressed);
    }
    let is_new = |it: &&PersonContact| matches!(it.origin, ContactOrigin::New);
    let new: Vec<Contact> = contacts().filter(is_new).map(|it| it.contact.clone()).collect();
    resolved.changes.extend(contacts::create_many(conn, &new, walk.now).await?);
    let changed: Vec<Contact> = contacts().filter_map(PersonContact::changed).cloned().collect();
    contacts::update_many(conn, &changed, walk.now).await?;
    for (from, to) in &walk.passed_on {
        let Some(to) = &walk.people.get(*to).contact else { continue };
        let (to, requester) = (&to.contact, Requester::api());
        let (changes, reason) =
            contacts::carry_suppressions(conn, from, to, requester, walk.now).await?;
        resolved.changes.extend(changes);
        resolved.suppressed.extend(reason.map(|reason| (to.phone.clone(), reason)));
    }
    Ok(())
}

/// Changes a number, with which a STOP moves. If another contact has just got it, the batch starts
/// over.
async fn change_number(
    conn: &mut Conn,
    change: &NumberChange,
    now: DateTime<Utc>,
) -> Result<(Vec<ContactChange>, Option<(PhoneNumber, Reason)>)> {
    let patch = ContactPatch { phone: Some(change.to.clone()), ..ContactPatch::default() };
    let updated = contacts::update(conn, change.contact_id, patch, Requester::api(), now).await;
    match updated {
        Ok(updated) => {
            let suppressed = updated.suppressed.map(|reason| (change.to.clone(), reason));
            Ok((updated.changes, suppressed))
        }
        Err(Error::Invalid(_) | Error::Refused(_)) => Err(start_over()),
        Err(error) => Err(error),
    }
}

async fn store_profiles(conn: &mut Conn, walk: &Walk) -> Result<()> {
    let people = walk.people.people();
    let profiles: Vec<ProfileToSave> = people.filter_map(Person::profile_to_save).collect();
    if !profiles.is_empty() {
        let rows = profiles.iter().map(|profile| SaveProfilesRow {
            id: profile.id,
            contact_id: profile.contact_id,
            traits: &profile.traits,
            identified_at: profile.identified_at,
        });
        SaveProfiles { profile: rows.collect(), now: walk.now }.execute(conn).await?;
    }
    let profile_of = |person| walk.people.get(person).profile.as_ref().map(|profile| profile.id);
    if !walk.joined.is_empty() {
        let rows = walk.joined.iter().filter_map(|(former, person)| {
            Some(JoinKeysRow { former: *former, kept: profile_of(*person)? })
        });
        JoinKeys { joined: rows.collect() }.execute(conn).await?;
        let ids: Vec<ProfileId> = walk.joined.iter().map(|(former, _)| *former).collect();
        DeleteProfiles { ids: &ids }.execute(conn).await?;
    }
    if !walk.keys.is_empty() {
        let rows = walk.keys.iter().filter_map(|((kind, value), person)| {
            let profile_id = profile_of(*person)?;
            Some(SaveKeysRow { kind: *kind, value, profile_id })
        });
        SaveKeys { key: rows.collect() }.execute(conn).await?;
    }
    Ok(())
}

/// Whether a batch conflicted with another transaction over the same people: the caller rolls back,
/// and starts over.
pub(in crate::sources) fn is_conflict(error: &Error) -> bool {
    const INDEXES: [&str; 4] = [
        "contacts_phone_key",
        "contacts_argentine_line_key",
        "contacts_external_id_key",
        "profile_keys_pkey",
    ];
    match error {
        Error::Database(DieselError::RollbackTransaction) => true,
        Error::Database(error) => {
            violated_constraint(error).is_some_and(|name| INDEXES.contains(&name))
        }
        _ => false,
    }
}

/// The error of a batch that found other people than it has locked.
pub(super) const fn start_over() -> Error {
    Error::Database(DieselError::RollbackTransaction)
}
