//! Tests of numbers as users type them, with examples of each notation.

use super::{country, read, read_alone};
use crate::types::country::Country;
use crate::types::phone::{PhoneError, PhoneNumber};
use crate::types::short_code::ShortCode;

#[test]
fn international_numbers_need_no_country() {
    for raw in [
        "+14155550123",
        "+1 (415) 555-0123",
        "  +1.415.555.0123 ",
        "001 415 555 0123",
        "tel:+1-415-555-0123",
        "＋１ ４１５ ５５５ ０１２３",
        "\u{202a}+1\u{a0}415\u{2011}555\u{2013}0123\u{202c}",
    ] {
        assert_eq!(read_alone(raw).as_deref(), Ok("+14155550123"), "{raw}");
    }
}

#[test]
fn a_national_number_without_a_country_is_never_assumed_to_be_american() {
    for raw in ["4155550123", "(415) 555-0123", "14155550123", "07700 900123", "4915112345678"] {
        assert_eq!(read_alone(raw), Err(PhoneError::NoCountryCode), "{raw}");
    }
    assert!(PhoneError::NoCountryCode.to_string().contains("Add it, such as +1"));
}

#[test]
fn national_numbers_are_read_with_the_chosen_country() {
    assert_eq!(read("(415) 555-0123", "US"), "+14155550123");
    assert_eq!(read("1 415 555 0123", "US"), "+14155550123");
    assert_eq!(read("07700 900123", "GB"), "+447700900123");
    assert_eq!(read("0151 12345678", "DE"), "+4915112345678");
    assert_eq!(read("06 12 34 56 78", "FR"), "+33612345678");
    assert_eq!(read("312 345 6789", "IT"), "+393123456789");
    assert_eq!(read("06 698 12345", "IT"), "+390669812345");
    assert_eq!(read("8 (916) 123-45-67", "RU"), "+79161234567");
    assert_eq!(read("8 800 555 35 35", "RU"), "+78005553535");
    assert_eq!(read("0412 345 678", "AU"), "+61412345678");
    assert_eq!(read("06 20 123 4567", "HU"), "+36201234567");
    assert_eq!(read("(11) 96123-4567", "BR"), "+5511961234567");
    assert_eq!(read("011 15-2345-6789", "AR"), "+5491123456789");
    assert_eq!(read("98765 43210", "IN"), "+919876543210");
    assert_eq!(read("55 1234 5678", "MX"), "+525512345678");
}

#[test]
fn a_country_code_takes_precedence_over_the_chosen_country() {
    assert_eq!(read("+44 7700 900123", "US"), "+447700900123");
    assert_eq!(read("0044 7700 900123", "DE"), "+447700900123");
    assert_eq!(read("011 44 7700 900123", "US"), "+447700900123");
    assert_eq!(read("0011 44 7700 900123", "AU"), "+447700900123");
    assert_eq!(read("43 664 123456", "AT"), "+43664123456");
}

#[test]
fn a_trunk_zero_after_the_country_code_is_dropped_where_it_is_one() {
    assert_eq!(read_alone("+44 (0)20 7946 0958").as_deref(), Ok("+442079460958"));
    assert_eq!(read_alone("+44 020 7946 0958").as_deref(), Ok("+442079460958"));
    assert_eq!(read_alone("+39 06 698 12345").as_deref(), Ok("+390669812345"));
    assert_eq!(read_alone("+225 01 23 45 67 89").as_deref(), Ok("+2250123456789"));
    assert_eq!(read_alone("+7 800 555 35 35").as_deref(), Ok("+78005553535"));
}

#[test]
fn possible_numbers_are_parsed_with_a_warning() {
    for (raw, is_valid) in [
        ("+15005550006", true),
        ("+12065550199", true),
        ("+18005550123", true),
        ("+15555550100", false),
        ("+447700900123", false),
        ("+33690123456", false),
    ] {
        let parsed = PhoneNumber::parse_with_validity(raw, None).unwrap();
        assert_eq!((parsed.number.as_str(), parsed.is_valid), (raw, is_valid));
        assert_eq!(parsed.number.is_valid(), is_valid);
        assert_eq!(parsed.number.warning().is_some(), !is_valid);
    }
    let fictitious = PhoneNumber::from_e164("+447700900123").unwrap();
    assert_eq!(
        fictitious.warning().unwrap(),
        "This is not a valid number for United Kingdom. Check it."
    );
    assert!(
        !PhoneNumber::parse_with_validity("07700 900123", Some(country("GB"))).unwrap().is_valid
    );
}

#[test]
fn a_country_code_without_plus_may_be_followed_by_the_trunk_prefix() {
    assert_eq!(read("61 0412 345 678", "AU"), "+61412345678");
    assert_eq!(read("82 010 1234 5678", "KR"), "+821012345678");
    assert_eq!(read("90 0532 123 45 67", "TR"), "+905321234567");
    assert_eq!(read("63 0917 123 4567", "PH"), "+639171234567");
    assert_eq!(read("44 07700 900123", "GB"), "+447700900123");
    assert_eq!(read("33 06 12 34 56 78", "FR"), "+33612345678");
    assert_eq!(read("31 06 12345678", "NL"), "+31612345678");
    assert_eq!(read("7 8 912 345 67 89", "RU"), "+79123456789");
}

#[test]
fn a_trunk_prefix_of_any_kind_is_dropped_after_the_country_code() {
    assert_eq!(read_alone("+54 11 15 2345 6789").as_deref(), Ok("+5491123456789"));
    assert_eq!(read_alone("+54 9 11 15 2345 6789").as_deref(), Ok("+5491123456789"));
    assert_eq!(read_alone("+54 011 15 2345 6789").as_deref(), Ok("+5491123456789"));
    assert_eq!(read_alone("+7 (8) 912 345 67 89").as_deref(), Ok("+79123456789"));
    assert_eq!(read_alone("+36 06 20 123 4567").as_deref(), Ok("+36201234567"));
    assert_eq!(read_alone("+61 (0)412 345 678").as_deref(), Ok("+61412345678"));
    assert_eq!(read_alone("+1 (0)415 555 0123").as_deref(), Ok("+14155550123"));
    assert_eq!(read_alone("+39 (0)6 698 12345").as_deref(), Ok("+390669812345"));
    assert_eq!(read_alone("+0049 0151 12345678").as_deref(), Ok("+4915112345678"));
}

#[test]
fn numbers_from_before_a_renumbering_become_the_current_ones() {
    assert_eq!(read_alone("+229 90 01 12 34").as_deref(), Ok("+2290190011234"));
    assert_eq!(read_alone("+229 01 90 01 12 34").as_deref(), Ok("+2290190011234"));
    assert_eq!(read("90 01 12 34", "BJ"), "+2290190011234");
    assert_eq!(read_alone("+521 55 1234 5678").as_deref(), Ok("+525512345678"));
    assert_eq!(read_alone("+52 044 55 1234 5678").as_deref(), Ok("+525512345678"));
    for raw in [
        "044 55 1234 5678",
        "045 55 1234 5678",
        "01 55 1234 5678",
        "1 55 1234 5678",
        "521 55 1234 5678",
    ] {
        assert_eq!(read(raw, "MX"), "+525512345678", "{raw}");
    }
    assert_eq!(read_alone("+55 11 8123-4567").as_deref(), Ok("+5511981234567"));
    assert_eq!(read("(11) 8123-4567", "BR"), "+5511981234567");
    assert_eq!(read("011 8123-4567", "BR"), "+5511981234567");
    assert_eq!(read_alone("+225 07 12 34 56").as_deref(), Ok("+2250707123456"));
    assert_eq!(read("0169 123 4567", "VN"), "+84391234567");
}

#[test]
fn two_valid_readings_are_an_error_that_shows_both() {
    let error = PhoneNumber::parse("49 151 23456789", Some(country("DE"))).unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("+49 1512 3456789") && shown.replace(' ', "").contains("+494915123456789"),
        "{shown}"
    );
    assert!(!error.without_numbers().contains("3456789"));
    assert!(!format!("{error:?}").contains("3456789"));
    assert_eq!(read("+49 151 23456789", "DE"), "+4915123456789");
}

#[test]
fn digits_of_any_script_are_read_and_invisible_characters_dropped() {
    for raw in [
        "+٤٤ ٧٩١٢ ٣٤٥٦٧٨",
        "+४४ ७९१२ ३४५६७८",
        "+๔๔ ๗๙๑๒ ๓๔๕๖๗๘",
        "＋４４（０）７９１２－３４５６７８",
        "\u{2067}+44\u{200d} 7912\u{fe0f}\u{34f} 345678\u{2069}",
        "+44\u{e0020}7912\u{3164}345678",
        "+4️⃣4️⃣7912345678",
    ] {
        assert_eq!(read_alone(raw).as_deref(), Ok("+447912345678"), "{raw}");
    }
}

#[test]
fn impossible_numbers_are_refused_with_the_reason() {
    let us = Some(country("US"));
    assert_eq!(read_alone(""), Err(PhoneError::Empty));
    assert_eq!(read_alone(" - "), Err(PhoneError::Empty));
    assert_eq!(read_alone("+"), Err(PhoneError::Empty));
    assert_eq!(read_alone("+1 415 555 012"), Err(PhoneError::TooShort(us)));
    assert_eq!(read_alone("+1 415 555 01234"), Err(PhoneError::TooLong(us)));
    assert_eq!(read_alone("+999 123 456 78"), Err(PhoneError::UnknownCountryCode));
    assert_eq!(read_alone("+0 123 456 78"), Err(PhoneError::UnknownCountryCode));
    assert_eq!(read_alone("+1 415 555 CALL"), Err(PhoneError::NotANumber('C')));
    assert_eq!(read_alone("4.15555E+9"), Err(PhoneError::NotANumber('E')));
    assert_eq!(read_alone("+1+4155550123"), Err(PhoneError::NotANumber('+')));
    assert_eq!(read_alone(&"1".repeat(100)), Err(PhoneError::TooLong(None)));
    assert_eq!(PhoneNumber::parse("12345", us), Err(PhoneError::TooShort(us)));
    assert_eq!(PhoneError::TooShort(us).to_string(), "This number is too short for United States.");
}

#[test]
fn the_country_is_known_if_the_number_determines_it() {
    let of = |e164: &str| PhoneNumber::from_e164(e164).unwrap().country().map(Country::code);
    assert_eq!(of("+14155550123"), Some("US"));
    assert_eq!(of("+16135550123"), Some("CA"));
    assert_eq!(of("+447700900123"), Some("GB"));
    assert_eq!(of("+4915112345678"), Some("DE"));
    assert_eq!(of("+870773111632"), None);
}

#[test]
fn the_international_format_is_grouped() {
    let shown = |e164: &str| PhoneNumber::from_e164(e164).unwrap().international();
    assert_eq!(shown("+14155550123"), "+1 415 555 0123");
    assert_eq!(shown("+447700900123"), "+44 7700 900123");
    assert_eq!(shown("+33612345678"), "+33 6 12 34 56 78");
}

#[test]
fn toll_free_numbers_are_known_by_their_area_code() {
    let toll_free = |e164: &str| PhoneNumber::from_e164(e164).unwrap().is_toll_free();
    assert!(toll_free("+18005550123"));
    assert!(toll_free("+18335550123"));
    assert!(!toll_free("+14155550123"));
    assert!(!toll_free("+448005550123"));
}

#[test]
fn json_takes_e164_alone() {
    let number: PhoneNumber = serde_json::from_str("\"+14155550123\"").unwrap();
    assert_eq!(serde_json::to_string(&number).unwrap(), "\"+14155550123\"");
    for wrong in ["\"4155550123\"", "\"+1 415 555 0123\"", "\"+1415\"", "\"+04155550123\"", "\"\""]
    {
        assert!(serde_json::from_str::<PhoneNumber>(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn short_codes_are_senders_but_not_contacts() {
    assert_eq!(ShortCode::parse(" 12345 ").unwrap().as_str(), "12345");
    assert!(ShortCode::parse("12").is_err());
    assert!(ShortCode::parse("+12345").is_err());
    assert!(PhoneNumber::parse("+12345", None).is_err());
}

#[test]
fn debug_hides_the_middle() {
    let number = PhoneNumber::from_e164("+14155550123").unwrap();
    assert_eq!(format!("{number:?}"), "+1***23");
    let number = PhoneNumber::from_e164("+447700900123").unwrap();
    assert_eq!(format!("{number:?}"), "+44***23");
}

#[test]
fn ten_digit_long_codes_are_ordinary_american_numbers() {
    for (number, expected) in [
        ("+12065550100", true),
        ("+14165550100", true),
        ("+18885550123", false),
        ("+15005550006", false),
        ("+18765550100", false),
        ("+447700900123", false),
    ] {
        assert_eq!(
            PhoneNumber::from_e164(number).unwrap().is_ten_digit_long_code(),
            expected,
            "{number}"
        );
    }
}
