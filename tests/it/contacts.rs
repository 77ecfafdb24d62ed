//! Contacts and tags, and the suppressions of their numbers.

use std::collections::BTreeSet;

use carillon::automations::consequences;
use carillon::clock::FAR_FUTURE;
use carillon::consent::{
    ConsentRecord, ConsentSource, Evidence, Reason, Requester, record, suppression,
};
use carillon::contacts::tags::{self, TagName};
use carillon::contacts::timeline::{self, EntryKind};
use carillon::contacts::{
    self, Attributes, AttributesPatch, Contact, ContactChange, ContactFilter, ContactPatch, Email,
    ExternalId, Name, NewContact, Patch, Position,
};
use carillon::db::schema::events;
use carillon::db::{self, Conn};
use carillon::error::{Error, Result};
use carillon::types::country::Country;
use carillon::types::id::{ContactId, EventId};
use carillon::types::phone::PhoneNumber;
use carillon::users::audit::Actor;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::ExpressionMethods;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::json;

use crate::harness::TestApp;

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::from_e164(text).unwrap()
}

fn ann() -> PhoneNumber {
    phone("+14155550123")
}

fn tag(name: &str) -> TagName {
    TagName::parse(name).unwrap()
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn texted(word: &str) -> Evidence {
    Evidence {
        phone: ann(),
        reason: Reason::Stop,
        source: ConsentSource::Keyword,
        message_id: None,
        user_id: None,
        note: Some(word.to_owned()),
    }
}

async fn create(conn: &mut Conn, new: NewContact) -> Contact {
    contacts::create(conn, new, at(0)).await.unwrap().0
}

async fn delete(conn: &mut Conn, id: ContactId) -> Result<()> {
    db::transaction(conn, async |tx| {
        consequences::delete_contact(tx, &Actor::command_line(), id, at(0)).await
    })
    .await
}

fn wrong_fields<T>(result: Result<T>) -> Vec<String> {
    match result {
        Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field.to_owned()).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_from_an_unknown_number_creates_a_tagged_contact_and_stores_the_evidence() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let suppressed = contacts::suppress(conn, texted("Stop!"), at(0)).await.unwrap();
    let contact = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    assert!(suppressed.newly);
    let tagged =
        ContactChange::TagAdded { contact_id: contact.id, tag: TagName::stop(), added_at: at(0) };
    assert_eq!(suppressed.changes, [ContactChange::ContactCreated(contact.id), tagged]);
    let active = suppression::active(conn, &ann()).await.unwrap().unwrap();
    assert_eq!((active.reason, active.since), (Reason::Stop, at(0)));
    let evidence = record::of_number(conn, &ann(), 10).await.unwrap();
    assert_eq!(
        evidence.iter().map(ConsentRecord::sentence).collect::<Vec<_>>(),
        ["Texted “Stop!”"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stop_adds_evidence_and_changes_nothing_else() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let again = contacts::suppress(conn, texted("STOP"), at(1)).await.unwrap();
    assert_eq!((again.newly, again.changes), (false, Vec::new()));
    assert_eq!(suppression::active(conn, &ann()).await.unwrap().unwrap().since, at(0));
    assert_eq!(record::of_number(conn, &ann(), 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_rejections_by_twilio_are_one_piece_of_evidence() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let refused =
        Evidence { reason: Reason::Carrier21610, source: ConsentSource::Twilio, ..texted("21610") };
    let first = contacts::suppress(conn, refused.clone(), at(0)).await.unwrap();
    let second = contacts::suppress(conn, refused, at(1)).await.unwrap();
    assert!(first.newly && !second.newly);
    assert_eq!(record::of_number(conn, &ann(), 10).await.unwrap().len(), 1);
    let contact = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    assert_eq!(tags::of(conn, contact.id).await.unwrap(), [TagName::stop()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_lifts_the_stop_and_its_tag_but_no_manual_suppression() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let by_hand =
        Evidence { reason: Reason::Manual, source: ConsentSource::Api, ..texted("asked by phone") };
    let _ = contacts::suppress(conn, by_hand, at(1)).await.unwrap();
    let lifted = contacts::lift(conn, Reason::ALL, texted("START"), at(2)).await.unwrap();
    assert_eq!(lifted.reasons, [Reason::Stop]);
    assert_eq!(suppression::active(conn, &ann()).await.unwrap().unwrap().reason, Reason::Manual);
    let contact = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    assert_eq!(tags::of(conn, contact.id).await.unwrap(), []);
    let newest = &record::of_number(conn, &ann(), 1).await.unwrap()[0];
    assert_eq!(newest.sentence(), "Texted “START”: STOP lifted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_tag_added_by_hand_outlives_other_suppressions() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let contact = create(conn, NewContact::with_phone(ann())).await;
    let unreachable = Evidence {
        reason: Reason::InvalidNumber,
        source: ConsentSource::Twilio,
        ..texted("30006")
    };
    let _ = contacts::suppress(conn, unreachable, at(0)).await.unwrap();
    let tagged = tags::add_by_hand(conn, &contact, &[TagName::stop()], Requester::api(), at(1))
        .await
        .unwrap();
    assert_eq!(tagged.suppressed, Some(Reason::Manual));
    let again = tags::add_by_hand(conn, &contact, &[TagName::stop()], Requester::api(), at(2))
        .await
        .unwrap();
    assert_eq!(again.suppressed, None, "it is reported once");
    let reachable = Evidence { source: ConsentSource::Admin, ..texted("It is a mobile again.") };
    contacts::lift(conn, &[Reason::InvalidNumber], reachable, at(3)).await.unwrap();
    assert_eq!(suppression::active(conn, &ann()).await.unwrap().unwrap().reason, Reason::Manual);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_after_a_start_suppresses_again() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    contacts::lift(conn, Reason::OPT_OUTS, texted("START"), at(1)).await.unwrap();
    assert_eq!(suppression::active(conn, &ann()).await.unwrap(), None);
    let again = contacts::suppress(conn, texted("STOP"), at(2)).await.unwrap();
    assert!(again.newly);
    assert_eq!(again.changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lifting_a_suppression_requires_a_note() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let silent =
        Evidence { note: Some(" ".to_owned()), source: ConsentSource::Admin, ..texted("") };
    assert_eq!(wrong_fields(contacts::lift(conn, Reason::OPT_OUTS, silent, at(1)).await), ["note"]);
    assert!(suppression::active(conn, &ann()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_stop_tag_by_hand_removes_only_the_tag() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let contact = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    assert!(tags::remove(conn, contact.id, &tag("twilio-message-STOP"), at(0)).await.unwrap());
    assert_eq!(suppression::active(conn, &ann()).await.unwrap().unwrap().reason, Reason::Stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_outlives_its_contact_and_tags_a_new_one_with_the_number() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let contact = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    delete(conn, contact.id).await.unwrap();
    assert!(matches!(delete(conn, contact.id).await, Err(Error::NotFound("contact"))));
    assert!(suppression::active(conn, &ann()).await.unwrap().is_some());
    let (back, changes) =
        contacts::create(conn, NewContact::with_phone(ann()), at(1)).await.unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(tags::of(conn, back.id).await.unwrap(), [TagName::stop()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_changes_to_a_stopped_number_gets_the_tag() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let _ = contacts::suppress(conn, texted("STOP"), at(0)).await.unwrap();
    let stopped = contacts::find_by_phone(conn, &ann()).await.unwrap().unwrap();
    delete(conn, stopped.id).await.unwrap();
    let other = create(conn, NewContact::with_phone(phone("+14155550199"))).await;
    let patch = ContactPatch { phone: Some(ann()), ..ContactPatch::default() };
    let updated = contacts::update(conn, other.id, patch, Requester::api(), at(1)).await.unwrap();
    assert_eq!(
        (updated.contact.id, updated.changes.len(), updated.suppressed),
        (other.id, 1, None)
    );
    assert_eq!(tags::of(conn, other.id).await.unwrap(), [TagName::stop()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_the_stop_tag_by_hand_suppresses_the_number() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let contact = create(conn, NewContact::with_phone(ann())).await;
    let tagged = tags::add_by_hand(
        conn,
        &contact,
        &[tag("VIP"), tag("TWILIO-message-stop")],
        Requester::api(),
        at(1),
    )
    .await
    .unwrap();
    assert_eq!((tagged.changes.len(), tagged.suppressed), (2, Some(Reason::Manual)));
    assert_eq!(suppression::active(conn, &ann()).await.unwrap().unwrap().reason, Reason::Manual);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_that_differ_in_case_are_one_and_are_added_once() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let contact = create(conn, NewContact::with_phone(ann())).await;
    let added = tags::add(conn, contact.id, &tag("VIP"), at(1)).await.unwrap();
    assert_eq!(
        added,
        Some(ContactChange::TagAdded { contact_id: contact.id, tag: tag("VIP"), added_at: at(1) })
    );
    assert_eq!(tags::add(conn, contact.id, &tag("vip"), at(2)).await.unwrap(), None);
    assert_eq!(tags::of(conn, contact.id).await.unwrap()[0].as_str(), "VIP");
    assert!(matches!(
        tags::add(conn, ContactId::new(), &tag("vip"), at(2)).await,
        Err(Error::NotFound("contact"))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn replacing_tags_keeps_the_stop_tag() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let contact = create(conn, NewContact::with_phone(ann())).await;
    for name in ["old", "kept", "Twilio-Message-stop"] {
        tags::add(conn, contact.id, &tag(name), at(0)).await.unwrap();
    }
    let tagged = tags::replace(conn, &contact, &[tag("KEPT"), tag("new")], Requester::api(), at(1))
        .await
        .unwrap();
    assert_eq!(
        tagged.changes,
        [ContactChange::TagAdded { contact_id: contact.id, tag: tag("new"), added_at: at(1) }]
    );
    let names: BTreeSet<String> =
        tags::of(conn, contact.id).await.unwrap().into_iter().map(String::from).collect();
    assert_eq!(names, BTreeSet::from(["Twilio-Message-stop", "kept", "new"].map(str::to_owned)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_or_external_id_that_another_contact_has_is_an_error_on_its_field() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let taken = NewContact {
        external_id: Some(ExternalId::parse("7").unwrap()),
        ..NewContact::with_phone(ann())
    };
    create(conn, taken.clone()).await;
    let same_id = NewContact { phone: phone("+14155550199"), ..taken };
    assert_eq!(
        wrong_fields(contacts::create(conn, NewContact::with_phone(ann()), at(0)).await),
        ["phone"]
    );
    assert_eq!(wrong_fields(contacts::create(conn, same_id, at(0)).await), ["external_id"]);
    let other = create(conn, NewContact::with_phone(phone("+14155550198"))).await;
    let patch = ContactPatch { phone: Some(ann()), ..ContactPatch::default() };
    assert_eq!(
        wrong_fields(contacts::update(conn, other.id, patch, Requester::api(), at(0)).await),
        ["phone"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_changes_only_its_fields_and_merges_attributes() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let object = |value: serde_json::Value| value.as_object().unwrap().clone();
    let new = NewContact {
        first_name: Some(Name::parse("Ann").unwrap()),
        attributes: Attributes::parse(object(
            json!({ "city": "Köln", "vip": true, "visits": 1e300 }),
        ))
        .unwrap(),
        ..NewContact::with_phone(ann())
    };
    let contact = create(conn, new).await;
    let patch = ContactPatch {
        email: Patch::Set(Email::parse("ann@example.com").unwrap()),
        attributes: AttributesPatch::Merge(object(json!({ "vip": null, "age": 40 }))),
        ..ContactPatch::default()
    };
    let updated =
        contacts::update(conn, contact.id, patch.clone(), Requester::api(), at(5)).await.unwrap();
    assert!(updated.changes.is_empty());
    let changed = updated.contact;
    assert_eq!(
        (changed.first_name.as_deref(), changed.email.as_deref()),
        (Some("Ann"), Some("ann@example.com"))
    );
    assert_eq!(changed.attributes["age"], 40);
    assert_eq!((changed.attributes.get("vip"), changed.updated_at), (None, at(5)));
    let same = contacts::update(conn, contact.id, patch, Requester::api(), at(9)).await.unwrap();
    assert_eq!(
        same.contact.updated_at,
        at(5),
        "an update that changes nothing does not touch updated_at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_create_one_contact_per_number() {
    let app = TestApp::start().await;
    let phones: Vec<_> = (0..50).map(|n| phone(&format!("+1415555{:04}", n % 40))).collect();
    let backwards: Vec<_> = phones.iter().rev().cloned().collect();
    let find_or_create = async |phones: &[PhoneNumber]| {
        let mut conn = app.conn().await;
        conn.transaction::<_, Error, _>(async |conn| {
            contacts::find_or_create_many_by_phone(conn, phones, at(0)).await
        })
        .await
        .unwrap()
    };
    let ((one, first), (two, second)) =
        futures::join!(find_or_create(&phones), find_or_create(&backwards));
    assert_eq!((one.len(), two.len()), (40, 40));
    assert_eq!(first.len() + second.len(), 40, "each is created once");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_each_contact_once_newest_first_in_both_directions() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(create(conn, NewContact::with_phone(phone(&format!("+1415555000{n}")))).await.id);
    }
    ids.reverse();
    let filter = ContactFilter::default();
    let (mut position, mut seen) = (Position::Newest, Vec::new());
    let last = loop {
        let page = contacts::list(conn, &filter, position, 3).await.unwrap();
        seen.extend(page.contacts.iter().map(|contact| contact.id));
        match page.older {
            Some(id) => position = Position::OlderThan(id),
            None => break page,
        }
    };
    assert_eq!(seen, ids);
    let before =
        contacts::list(conn, &filter, Position::NewerThan(last.newer.unwrap()), 3).await.unwrap();
    assert_eq!(before.contacts.iter().map(|contact| contact.id).collect::<Vec<_>>(), ids[3..6]);
    assert!(before.newer.is_some() && before.older.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_found_by_any_part_of_its_name_number_email_or_id() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let new = NewContact {
        first_name: Some(Name::parse("Änne").unwrap()),
        last_name: Some(Name::parse("O'Hara").unwrap()),
        email: Some(Email::parse("Aenne@Example.com").unwrap()),
        external_id: Some(ExternalId::parse("cust_100%").unwrap()),
        ..NewContact::with_phone(phone("+4915123456789"))
    };
    let contact = create(conn, new).await;
    create(conn, NewContact::with_phone(ann())).await;
    tags::add(conn, contact.id, &tag("VIP"), at(0)).await.unwrap();
    for search in [
        "änne",
        "Änne o'h",
        "o'hara",
        "AENNE@ex",
        "cust_100%",
        "+49 151 2345",
        "0049151",
        "0151 2345",
        "456789",
    ] {
        let filter = ContactFilter {
            search: search.to_owned(),
            default_country: Country::parse("DE").ok(),
            ..ContactFilter::default()
        };
        let found = contacts::list(conn, &filter, Position::Newest, 10).await.unwrap().contacts;
        assert_eq!(
            found.iter().map(|found| found.id).collect::<Vec<_>>(),
            [contact.id],
            "{search}"
        );
        let tagged = ContactFilter { tag: Some(tag("vip")), ..filter.clone() };
        assert_eq!(
            contacts::list(conn, &tagged, Position::Newest, 10).await.unwrap().contacts.len(),
            1,
            "{search}"
        );
        let others = ContactFilter { tag: Some(tag("unknown")), ..filter };
        assert_eq!(
            contacts::list(conn, &others, Position::Newest, 10).await.unwrap().contacts.len(),
            0,
            "{search}"
        );
    }
    for search in ["hara", "cust-100", "%", "_", "unknown@example.com", "00491515"] {
        let filter = ContactFilter { search: search.to_owned(), ..ContactFilter::default() };
        assert_eq!(
            contacts::list(conn, &filter, Position::Newest, 10).await.unwrap().contacts.len(),
            0,
            "{search}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_merges_all_entries_in_order() {
    let app = TestApp::start().await;
    let conn = &mut *app.conn().await;
    let contact = create(conn, NewContact::with_phone(ann())).await;
    diesel::insert_into(events::table)
        .values((
            events::id.eq(EventId::new()),
            events::name.eq("order_completed"),
            events::contact_id.eq(contact.id),
            events::properties.eq(json!({ "order_id": 7 })),
            events::occurred_at.eq(at(1)),
            events::received_at.eq(at(1)),
        ))
        .execute(conn)
        .await
        .unwrap();
    tags::add(conn, contact.id, &tag("VIP"), at(2)).await.unwrap();
    let _ = contacts::suppress(conn, texted("STOP"), at(3)).await.unwrap();
    let entries = timeline::load(conn, &contact, FAR_FUTURE, 10).await.unwrap().entries;
    assert!(entries.is_sorted_by(|newer, older| newer.at >= older.at));
    assert_eq!(entries.len(), 5);
    assert!(matches!(entries.last().unwrap().kind, EntryKind::Created));
    assert!(matches!(&entries[3].kind, EntryKind::Event { name, .. } if name == "order_completed"));
    // Read in parts, the timeline has each entry exactly once.
    let (mut until, mut collected) = (FAR_FUTURE, Vec::new());
    loop {
        let part = timeline::load(conn, &contact, until, 2).await.unwrap();
        collected.extend(part.entries);
        match part.older {
            Some(older) => until = older,
            None => break,
        }
    }
    assert_eq!(collected, entries);
}
