//! Tests of the defaults, and of the errors for invalid settings.

use url::Url;

use super::load::{dotenv, with_origin};
use super::*;

const HOME: (&str, &str) = ("HOME", "/home/ada");

fn error(name: &str, value: &str) -> String {
    Config::from_vars([HOME, (name, value)]).unwrap_err().to_string()
}

#[test]
fn nothing_needs_to_be_set() {
    let config = Config::from_vars([HOME]).unwrap();
    assert_eq!(config.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080");
    assert!(
        config.database_url.is_none()
            && config.secret_key.is_none()
            && config.twilio_api_url.is_none()
    );
    assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("carillon"));
}

#[test]
fn an_unknown_name_is_an_error_with_a_suggestion() {
    for (name, meant) in [
        ("CARILLON_PUBLIC_URI", "CARILLON_PUBLIC_URL"),
        ("CARILLON_SECRET", "CARILLON_SECRET_KEY"),
        ("CARILLON_DATABASE_URL", "DATABASE_URL"),
        ("carillon_bind", "CARILLON_BIND"),
        ("CARILLON_TWILIO_URL", "CARILLON_TWILIO_API_URL"),
    ] {
        assert_eq!(error(name, "x"), format!("{name} is not a setting; did you mean {meant}?"));
    }
    assert!(error("CARILLON_XYZZY", "x").contains("carillon --help"));
    Config::from_vars([HOME, ("CARILLON_TEST_CHROMEDRIVER", "x"), ("PATH", "/bin")]).unwrap();
}

#[test]
fn every_bad_value_is_reported_with_a_good_example() {
    for (name, value, right) in [
        ("CARILLON_BIND", "8080", "127.0.0.1:8080"),
        ("CARILLON_BIND", "127.0.0.1:99999", "127.0.0.1:8080"),
        ("CARILLON_PUBLIC_URL", "sms.example.com", "https://sms.example.com"),
        ("CARILLON_TRUSTED_PROXIES", "proxy.internal", "10.0.0.0/8"),
        ("CARILLON_TRUSTED_PROXIES", "10.0.0.0/33", "10.0.0.0/8"),
        ("CARILLON_TRUSTED_PROXIES", "0.0.0.0/0", "10.0.0.0/8"),
        ("CARILLON_TRUSTED_PROXIES", "*", "10.0.0.0/8"),
        ("CARILLON_MAX_CONNECTIONS", "3", "from 16 to 100000"),
        ("CARILLON_CONNECTIONS_PER_CALLER", "0", "from 8 to 100000"),
        ("CARILLON_REQUEST_TIMEOUT", "10s", "from 1 to 600"),
        ("CARILLON_SECRET_KEY", "change-me", "openssl rand -base64 32"),
        ("CARILLON_DATA_DIR", "~/carillon", "in full"),
        ("CARILLON_TWILIO_API_URL", "127.0.0.1:8090", "http://127.0.0.1:8090"),
        (
            "CARILLON_TWILIO_API_URL",
            "http://:hunter2@127.0.0.1:8090",
            "only scheme, host, port and path",
        ),
        ("CARILLON_SMTP_URL", "mail.example.com", "smtps://user:password@mail.example.com"),
        ("CARILLON_MAIL_FROM", "Carillon", "Carillon <carillon@example.com>"),
        ("CARILLON_WORKER_CONCURRENCY", "0", "from 1 to 10000"),
        ("CARILLON_DATABASE_CONNECTIONS", "many", "from 2 to 180"),
        ("CARILLON_LOG", "verbose", "debug"),
        ("CARILLON_LOG", "carillon=loud", "info,carillon::messages=debug"),
        ("CARILLON_LOG_FORMAT", "xml", "neither text nor json"),
        ("CARILLON_SIMULATOR_BIND", "here", "127.0.0.1:8080"),
        ("DATABASE_URL", "mysql://localhost/x", "postgres://"),
    ] {
        let error = error(name, value);
        assert!(
            error.starts_with(name) && error.contains(right) && !error.contains('\n'),
            "{error}"
        );
    }
}

#[test]
fn values_are_trimmed_and_empty_ones_are_not_set() {
    let config =
        Config::from_vars([HOME, ("DATABASE_URL", ""), ("CARILLON_BIND", " localhost:9000 ")])
            .unwrap();
    assert!(config.database_url.is_none());
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:9000");
}

#[test]
fn no_secret_is_shown() {
    let config = Config::from_vars([
        HOME,
        ("DATABASE_URL", "postgres://ada:hunter2@db/carillon?password=hunter3&sslmode=disable"),
        ("CARILLON_SECRET_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        ("CARILLON_SMTP_URL", "smtps://ada:hunter4@mail.example.com"),
        ("CARILLON_MAIL_FROM", "carillon@example.com"),
    ])
    .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter") && !shown.contains("MDEy"), "{shown}");
    assert!(shown.contains("ada:…@db:5432/carillon?sslmode=disable"), "{shown}");
    assert!(shown.contains("smtps://ada:…@mail.example.com:465"), "{shown}");
    assert_eq!(config.masked().len(), SETTINGS.len());
}

#[test]
fn the_origin_of_a_value_is_known() {
    let mut vars = with_origin(
        SettingOrigin::EnvFile,
        [
            HOME,
            ("CARILLON_LOG", "debug"),
            ("CARILLON_BIND", "127.0.0.1:1"),
            ("DATABASE_URL", "postgres://a/b"),
        ],
    );
    vars.extend(with_origin(
        SettingOrigin::Environment,
        [("CARILLON_BIND", "127.0.0.1:2"), ("CARILLON_LOG_FORMAT", " ")],
    ));
    vars.extend(with_origin(SettingOrigin::Command, [("CARILLON_SIMULATOR_BIND", "127.0.0.1:3")]));
    let mut config = Config::parse(vars).unwrap();
    let origin = |config: &Config, name| {
        config.in_effect().into_iter().find(|one| one.setting.name == name).unwrap().origin
    };
    for (name, expected) in [
        ("CARILLON_LOG", SettingOrigin::EnvFile),
        ("CARILLON_BIND", SettingOrigin::Environment),
        ("CARILLON_SIMULATOR_BIND", SettingOrigin::Command),
        ("CARILLON_LOG_FORMAT", SettingOrigin::Default),
        ("DATABASE_URL", SettingOrigin::EnvFile),
        ("CARILLON_TWILIO_API_URL", SettingOrigin::Default),
    ] {
        assert_eq!(origin(&config, name), expected, "{name}");
    }
    assert!(!config.is_demo());
    assert!(config.for_demo(Url::parse("http://127.0.0.1:3").unwrap()));
    assert!(config.is_demo());
    assert_eq!(origin(&config, "DATABASE_URL"), SettingOrigin::Default);
    assert_eq!(origin(&config, "CARILLON_TWILIO_API_URL"), SettingOrigin::Command);
}

#[test]
fn a_bad_database_url_is_not_repeated() {
    let error = error("DATABASE_URL", "postgres://ada:hunter2@db/carillon?sslrootcert=x");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_mail_server_needs_an_address_that_emails_come_from() {
    let error = error("CARILLON_SMTP_URL", "smtps://ada:hunter2@mail.example.com");
    assert!(error.starts_with("CARILLON_MAIL_FROM is needed with CARILLON_SMTP_URL"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    Config::from_vars([HOME, ("CARILLON_MAIL_FROM", "carillon@example.com")]).unwrap();
}

#[test]
fn the_env_file_is_read_and_its_bad_lines_are_named_without_their_values() {
    let path = std::env::temp_dir().join(format!("carillon-env-{}", uuid::Uuid::new_v4()));
    std::fs::write(&path, "# comment\nCARILLON_BIND=0.0.0.0:80\nexport CARILLON_LOG='debug'\n")
        .unwrap();
    let vars = dotenv(&path).unwrap();
    assert_eq!(vars["CARILLON_BIND"], "0.0.0.0:80");
    assert_eq!(vars["CARILLON_LOG"], "debug");
    std::fs::write(&path, "CARILLON_BIND=0.0.0.0:80\nCARILLON_SECRET_KEY=hunter2 hunter3\n")
        .unwrap();
    let error = dotenv(&path).unwrap_err().to_string();
    assert!(error.contains("after CARILLON_BIND") && !error.contains("hunter"), "{error}");
    std::fs::remove_file(&path).unwrap();
    assert!(dotenv(&path).unwrap().is_empty());
}

#[test]
fn the_documentation_matches_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    if std::env::var_os("CARILLON_TEST_WRITE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        markdown(),
        "run CARILLON_TEST_WRITE_DOCS=1 cargo test --lib config"
    );
    assert!(SETTINGS.iter().all(|setting| help_text().contains(setting.name)));
}
