//! Numbers of all countries, in all forms, and any digits at all.

use proptest::prelude::*;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

use super::{country, read};
use crate::types::country::Country;
use crate::types::phone::{PhoneError, PhoneNumber, plan};

#[test]
fn what_is_merely_possible_reads_as_itself_or_is_refused() {
    for (raw, default) in [
        ("00300000", "BG"),
        ("0008981367", "AU"),
        ("+962 00 4873 0966", "JO"),
        ("6400000051933", "NZ"),
    ] {
        let read = PhoneNumber::parse(raw, Some(country(default)));
        assert!(
            read.as_ref().is_ok_and(|number| PhoneNumber::parse(number.as_str(), None) == read)
                || read.is_err(),
            "{raw}: {read:?}"
        );
    }
    // An exit code is not taken for two trunk zeros.
    assert_eq!(read("0044 7912 345678", "DE"), "+447912345678");
}

/// The kinds of numbers that there are examples of.
const KINDS: [PhoneNumberType; 10] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// Example numbers of each kind in each country, as E.164 and as it is written within the country.
fn examples() -> Vec<(Country, String, String)> {
    let mut found = Vec::new();
    for country in Country::all() {
        let region = Region::from_code(country.code()).unwrap();
        for kind in KINDS {
            let Ok(number) = PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind)
            else {
                continue;
            };
            let text = |format| number.format_as(format).into_owned();
            found.push((
                *country,
                text(PhoneNumberFormat::E164),
                text(PhoneNumberFormat::National),
            ));
        }
    }
    found
}

/// The digits of another script.
fn in_script(text: &str, zero: char) -> String {
    let digit = |value| char::from_u32(u32::from(zero) + value).unwrap();
    text.chars().map(|character| character.to_digit(10).map_or(character, digit)).collect()
}

#[test]
fn an_example_of_each_country_in_a_dozen_forms_is_itself_or_refused() {
    let examples = examples();
    assert!(examples.len() > 1_000, "{}", examples.len());
    let (mut read, mut refused) = (0, Vec::new());
    for (country, e164, national) in &examples {
        let (code, bare) = plan::split(e164).unwrap();
        let grouped = plan::grouped(e164).unwrap();
        let international = [
            grouped.clone(),
            grouped.replace(' ', "."),
            grouped.replacen(' ', " (0)", 1),
            format!("tel:{}", grouped.replace(' ', "-")),
            format!("00{code}{bare}"),
            format!("+00{code} {bare}"),
            in_script(&grouped, '\u{ff10}'),
            in_script(e164, '\u{660}'),
            format!("\u{202a}{}\u{202c}", grouped.replace(' ', "\u{2009}\u{200b}")),
            format!("({grouped})"),
        ];
        let within = [
            national.clone(),
            bare.to_owned(),
            format!("{code} {national}"),
            format!("{code}{bare}"),
            format!("+{code} {national}"),
            in_script(national, '\u{966}'),
        ];
        // Iran's service numbers of four digits are too short to be kept.
        let itself = PhoneNumber::parse(e164, None);
        assert!(
            e164.len() < 8 && itself.is_err()
                || itself.as_ref().map(PhoneNumber::as_str) == Ok(e164.as_str()),
            "{e164}: {itself:?}"
        );
        let alone = international.iter().map(|text| (text, None));
        let there = international.iter().chain(&within).map(|text| (text, Some(*country)));
        for (text, country) in alone.chain(there) {
            match PhoneNumber::parse(text, country) {
                Ok(number) => {
                    assert_eq!(number.as_str(), e164, "{text} in {country:?}");
                    read += 1;
                }
                Err(error) => refused.push(format!("{text} in {country:?}: {error}")),
            }
        }
    }
    // Ten forms without and sixteen with the country, of each.
    assert_eq!(read + refused.len(), examples.len() * 26);
    assert!(
        refused.len() * 50 < read,
        "{} of {read} refused: {:#?}",
        refused.len(),
        &refused[..refused.len().min(40)]
    );
}

/// `scripts/generate-phone-numbers` wrote it, with libphonenumber itself.
#[test]
fn written_numbers_are_read_as_libphonenumber_reads_them() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/phone-numbers.tsv");
    let path = std::env::var_os("CARILLON_TEST_PHONE_NUMBERS")
        .map_or_else(|| kept.into(), std::path::PathBuf::from);
    let lines = std::fs::read_to_string(path).unwrap();
    let (mut read, mut ambiguous, mut wrong) = (0, 0, Vec::new());
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let [region, text, theirs, written] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let Ok(country) = Country::parse(region) else { continue };
        match PhoneNumber::parse_and_judge(text, Some(country)) {
            Ok(parsed) if parsed.number.as_str() == theirs => read += 1,
            // They refuse, or say that it is not valid.
            Ok(parsed) if theirs == "-" && parsed.number.as_str() == written => read += 1,
            Err(PhoneError::Ambiguous(one, other))
                if [&one, &other].iter().any(|number| number.as_str() == theirs) =>
            {
                ambiguous += 1;
            }
            Err(_) if theirs == "-" => {}
            other => wrong.push(format!("{line}: {other:?}")),
        }
    }
    assert!(read > 2_000, "{read}");
    assert!(ambiguous * 100 < read, "{ambiguous} of {read} can be two numbers");
    assert!(wrong.is_empty(), "{} of {read}: {:#?}", wrong.len(), &wrong[..wrong.len().min(40)]);
}

proptest! {
    #[test]
    fn what_was_read_once_reads_as_itself(area in 201..989_u32, rest in 0..9_999_999_u32) {
        let raw = format!("+1 ({area}) {rest:07}");
        let number = PhoneNumber::parse(&raw, None).unwrap();
        prop_assert_eq!(PhoneNumber::parse(number.as_str(), None), Ok(number.clone()));
        prop_assert_eq!(PhoneNumber::parse(&number.international(), None), Ok(number.clone()));
        prop_assert_eq!(PhoneNumber::from_e164(number.as_str()), Ok(number));
    }

    #[test]
    fn any_digits_either_fail_or_keep_to_e164(digits in "[0-9]{1,20}", index in 0..245_usize) {
        let country = Country::all()[index];
        for raw in [digits.clone(), format!("+{digits}")] {
            if let Ok(number) = PhoneNumber::parse(&raw, Some(country)) {
                prop_assert!(PhoneNumber::from_e164(number.as_str()).is_ok());
                prop_assert_eq!(PhoneNumber::parse(number.as_str(), None), Ok(number.clone()));
                let _ = (number.international(), number.country());
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(raw in "\\PC{0,30}") {
        let _ = PhoneNumber::parse(&raw, None);
        let _ = PhoneNumber::parse(&raw, Some(Country::all()[0]));
    }
}
