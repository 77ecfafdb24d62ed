//! Tests of keys as users enter them.

use super::*;

const ACCOUNT: &str = "ACca4111000000000000000000000000a1";
const KEY: &str = "SKca4111000000000000000000000000b1";
const TOKEN: &str = "70c0ffee70c0ffee70c0ffee70c0ffee";

fn new(account_sid: &str, auth_token: &str, api_key_sid: &str, api_key_secret: &str) -> NewKeys {
    NewKeys {
        account_sid: account_sid.into(),
        auth_token: auth_token.into(),
        api_key_sid: api_key_sid.into(),
        api_key_secret: api_key_secret.into(),
    }
}

fn fields(new: &NewKeys) -> Vec<String> {
    Keys::parse(new)
        .unwrap_err()
        .iter()
        .map(|(field, messages)| format!("{field}: {}", messages.join(" ")))
        .collect()
}

#[test]
fn an_auth_token_an_api_key_or_both_are_keys() {
    let token = Keys::parse(&new(ACCOUNT, &format!(" {TOKEN} "), "", "")).unwrap();
    assert!(matches!(
        token.credentials().kind,
        CredentialKind::AuthToken(token) if token.expose_secret() == TOKEN
    ));
    let key = Keys::parse(&new(ACCOUNT, "", KEY, "s3cret")).unwrap();
    assert!(!key.has_auth_token());
    let both = Keys::parse(&new(ACCOUNT, TOKEN, KEY, "s3cret")).unwrap();
    assert!(both.has_auth_token());
    assert!(matches!(both.credentials().kind, CredentialKind::ApiKey { .. }));
}

#[test]
fn each_wrong_field_says_what_is_wrong_with_it() {
    for (keys, expected) in [
        (new("", TOKEN, "", ""), "account_sid: This field is required. Enter the Account SID"),
        (new(KEY, TOKEN, "", ""), "account_sid: An Account SID begins with AC"),
        (new("AC12", TOKEN, "", ""), "account_sid: An Account SID is AC and 32"),
        (
            new(ACCOUNT, "", "", ""),
            "auth_token: This field is required. Enter the account’s Auth Token, or an API key",
        ),
        (new(ACCOUNT, ACCOUNT, "", ""), "auth_token: This is a SID"),
        (new(ACCOUNT, "to ken", "", ""), "auth_token: Use letters and digits only"),
        (
            new(ACCOUNT, "", KEY, ""),
            "api_key_secret: This field is required. Enter the secret of this API key",
        ),
        (
            new(ACCOUNT, "", "", "s3cret"),
            "api_key_sid: This field is required. Enter the SID of this secret’s API key",
        ),
        (new(ACCOUNT, "", ACCOUNT, "s3cret"), "api_key_sid: An API Key SID begins with SK"),
    ] {
        let fields = fields(&keys);
        assert!(fields.len() == 1 && fields[0].starts_with(expected), "{fields:?}");
    }
    assert_eq!(fields(&new("", "", "", "")).len(), 2);
}

#[test]
fn sealed_keys_open_only_in_their_own_row() {
    let (key, id) = (SecretKey::generate(), ConnectionId::new());
    let keys = Keys::parse(&new(ACCOUNT, TOKEN, KEY, "s3cret")).unwrap();
    let sealed = SealedKeys::seal(&key, id, &keys);
    let opened = Keys::unseal(ACCOUNT, &sealed, &key, id).unwrap();
    assert_eq!(opened.auth_token().unwrap().expose_secret(), TOKEN);
    assert_eq!(opened.api_key().unwrap().secret.expose_secret(), "s3cret");
    let error = Keys::unseal(ACCOUNT, &sealed, &key, ConnectionId::new()).unwrap_err().to_string();
    assert!(error.contains("CARILLON_SECRET_KEY") && !error.contains(TOKEN));
    assert!(Keys::unseal(ACCOUNT, &sealed, &SecretKey::generate(), id).is_err());
}

#[test]
fn nothing_secret_is_printed() {
    let keys = Keys::parse(&new(ACCOUNT, TOKEN, KEY, "s3cret")).unwrap();
    let printed = format!("{keys:?}");
    assert!(!printed.contains(TOKEN) && !printed.contains("s3cret"), "{printed}");
}
