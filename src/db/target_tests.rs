//! Tests of database addresses.

use super::*;

#[test]
fn every_ssl_mode_of_libpq_is_understood() {
    for (mode, tls) in [
        ("disable", Tls::None),
        ("allow", Tls::Opportunistic),
        ("prefer", Tls::Opportunistic),
        ("require", Tls::Verified),
        ("verify-ca", Tls::Verified),
        ("verify-full", Tls::Verified),
    ] {
        let target = Target::parse(&format!(
            "postgres://u:p@db.example.com:6000/carillon?sslmode={mode}&application_name=x"
        ))
        .unwrap();
        assert!(target.tls == tls, "{mode}");
        assert_eq!(target.config.get_application_name(), Some("x"));
        assert!(
            Target::parse(&format!("host=db dbname=x sslmode={mode}")).unwrap().tls == tls,
            "{mode}"
        );
    }
    assert!(Target::parse("postgres://db/x").unwrap().tls == Tls::Opportunistic);
    assert!(Target::parse("postgres://db/x?sslmode=maybe").is_err());
}

#[test]
fn unix_sockets_never_use_tls() {
    for text in [
        "postgres:///carillon?host=/run/x",
        "postgresql://%2Frun%2Fx/carillon?sslmode=require",
        "host=/run/x dbname=carillon",
    ] {
        let target = Target::parse(text).unwrap();
        assert!(target.tls == Tls::None, "{text}");
        assert_eq!(target.to_string(), "“carillon” at /run/x");
    }
    assert_eq!(
        Target::parse("postgres:///carillon").unwrap().to_string(),
        "“carillon” at /var/run/postgresql"
    );
}

#[test]
fn several_hosts_may_be_named_in_any_form_that_libpq_reads() {
    for text in ["postgres://a,b/x", "postgres:///x?host=a,b", "host=a,b dbname=x"] {
        let target = Target::parse(text).unwrap();
        assert_eq!(
            target.config.get_hosts(),
            [Host::Tcp("a".to_owned()), Host::Tcp("b".to_owned())],
            "{text}"
        );
    }
    for text in [
        "postgres:///x?host=/run/a,/run/b",
        "postgres://%2Frun%2Fa,%2Frun%2Fb/x",
        "postgres:///x?host=%2Frun%2Fa,%2Frun%2Fb&user=u",
    ] {
        let target = Target::parse(text).unwrap();
        assert_eq!(
            target.config.get_hosts(),
            [Host::Unix("/run/a".into()), Host::Unix("/run/b".into())],
            "{text}"
        );
        assert_eq!(target.connect_timeout(), TIMEOUT * 2);
    }
}

#[test]
fn what_is_shown_contains_no_password() {
    let target = Target::parse("postgres://ada:hunter2@db.example.com/carillon").unwrap();
    assert_eq!(format!("{target:?}"), "Target(“carillon” at db.example.com:5432)");
    assert_eq!(target.masked(), "postgres://ada:…@db.example.com:5432/carillon?sslmode=prefer");
    // The driver reads the first two as passwords; other URL parsers read a port and a path.
    for secret in [
        "postgres://ada:2024/hunter2@db/x",
        "postgres://ada:1?hunter2@db/x",
        "postgres://ada@db/x?password=hunter2",
    ] {
        assert_eq!(
            Target::parse(secret).unwrap().masked(),
            "postgres://ada:…@db:5432/x?sslmode=prefer",
            "{secret}"
        );
    }
    assert_eq!(
        Target::parse("host=db user=ada password=hunter2 port=6000").unwrap().masked(),
        "postgres://ada:…@db:6000/?sslmode=prefer"
    );
    for text in [
        "postgres://ada@db/y?hunter2=x",
        "postgres://ada:hunter2@db:port/y",
        "hunter2",
        "mysql://ada:hunter2@db/y",
    ] {
        let error = Target::parse(text).unwrap_err().to_string();
        assert!(
            !error.contains("hunter2") && error.contains("postgres://user:password@host/database"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let error = Target::parse("postgres://ada:hunter2@127.0.0.1:1/carillon")
        .unwrap()
        .connect()
        .await
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the database “carillon” at 127.0.0.1:1 cannot be used: Connection refused (os error \
         111)"
    );
}
