//! Tests of the requests that tag many contacts.

use super::*;

#[test]
fn the_result_names_what_was_done() {
    let tag = TagName::parse("VIP").unwrap();
    let request = BulkTagForm::default();
    assert_eq!(
        request.result_text(&tag, 2, 3),
        "Added “VIP” to 2 contacts. 1 contact had it already."
    );
    let request = BulkTagForm { action: "remove".to_owned(), ..request };
    assert_eq!(request.result_text(&tag, 1, 1), "Removed “VIP” from 1 contact.");
}

#[test]
fn a_form_that_writes_names_its_contacts_exactly() {
    let wrong = |fields: &[(&str, &str)]| {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        BulkTagForm::check(&fields).iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
    };
    assert!(wrong(&[("action", "add"), ("name", "VIP"), ("all", "true")]).is_empty());
    for field in ["q", "tag", "from", "id"] {
        for blank in ["", " ", "\u{200b}"] {
            assert_eq!(wrong(&[("action", "add"), ("all", "true"), (field, blank)]), [field]);
        }
    }
    assert_eq!(
        wrong(&[("action", "add"), ("all", "true"), ("from", "soon")]),
        ["from"],
        "it would begin with the newest"
    );
    assert_eq!(wrong(&[("action", "")]), ["action"]);
    assert_eq!(
        wrong(&[("action", "add"), ("all", "true"), ("phone", "+1")]),
        ["phone"],
        "it would narrow nothing"
    );
    assert_eq!(wrong(&[]), ["action"]);
}

#[test]
fn the_position_to_continue_from_is_part_of_the_link() {
    let request = BulkTagForm {
        action: "add".to_owned(),
        name: "VIP".to_owned(),
        q: "ann".to_owned(),
        from: Some(ContactId::new()),
        ..BulkTagForm::default()
    };
    let from = request.from.unwrap();
    assert_eq!(
        request.link(),
        format!("/contacts/tag?action=add&name=VIP&all=true&q=ann&from={from}")
    );
    assert_eq!(request.back(), "/contacts?q=ann");
}
