//! Tests of parsing variables.

use super::*;

fn parse(path: &[&str]) -> Result<Variable, String> {
    Variable::parse(path.iter().map(|name| Key::Name((*name).to_owned())).collect())
}

#[test]
fn a_variable_is_written_as_it_is_named() {
    assert_eq!(
        parse(&["contact", "attributes", "city"]).unwrap().to_string(),
        "contact.attributes.city"
    );
    assert_eq!(
        parse(&["contact", "attributes", "home town"]).unwrap().to_string(),
        "contact.attributes[\"home town\"]"
    );
    let items = Variable {
        root: Root::Event,
        keys: vec![Key::Name("items".into()), Key::Index(0), Key::Name("sku".into())],
    };
    assert_eq!(items.to_string(), "event.items[0].sku");
    assert_eq!(parse(&["organization", "name"]).unwrap().to_string(), "organization.name");
}

#[test]
fn an_unknown_name_says_what_there_is() {
    assert!(parse(&["foo"]).unwrap_err().contains("Use one of: contact.first_name"));
    assert!(parse(&["contact", "city"]).unwrap_err().contains("contact.attributes.city"));
    assert!(
        parse(&["contact", "frist_name"])
            .unwrap_err()
            .ends_with("did you mean contact.first_name?")
    );
    assert!(parse(&["contact"]).unwrap_err().contains("Name a field"));
    assert!(parse(&["contact", "first_name", "x"]).is_err());
    assert!(parse(&["__tera_context"]).is_err());
}
