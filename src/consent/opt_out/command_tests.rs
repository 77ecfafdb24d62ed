//! What is read as an opt-out, and what is not.

use std::time::Instant;

use proptest::prelude::*;

use super::*;
use crate::consent::opt_out::standard_words::standard_words;

fn of(body: &str) -> Option<Command> {
    Command::of_text(body, &OwnWords::default())
}

const WORD: Option<Command> = Some(Command::Stop(OptOutForm::Word));
const WORDING: Option<Command> = Some(Command::Stop(OptOutForm::Wording));

#[test]
fn every_standard_word_is_an_opt_out_as_a_whole_text() {
    for (language, words) in standard_words() {
        assert!(words.len() >= 10, "{language}");
        for word in words {
            let ways = [
                word.to_owned(),
                format!("“{}”!", word.to_uppercase()),
                format!("[\u{2068}{word}\u{2069}] 🙏"),
                format!("{word} {word}"),
            ];
            for text in ways {
                assert_eq!(of(&text), WORD, "{language}: {text:?}");
            }
        }
    }
    for word in ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"] {
        assert_eq!(of(word), WORD, "Twilio's word {word}");
    }
}

#[test]
fn start_and_help_are_whole_texts_in_any_form() {
    for (text, start) in [
        ("START", StartWord::Start),
        ("“Start”!", StartWord::Start),
        ("ｓｔａｒｔ", StartWord::Start),
        ("ST\u{200d}ART\u{fe0f}", StartWord::Start),
        ("\u{2066}unstop\u{2069}", StartWord::Unstop),
        ("un-stop", StartWord::Unstop),
        ("Yes 👍", StartWord::Yes),
    ] {
        assert_eq!(of(text), Some(Command::Start(start)), "{text:?}");
    }
    for text in [
        "start please",
        "Start. Thank you",
        "yes I would like that",
        "oui",
        "restart",
        "START my order",
        "yes yes",
    ] {
        assert_eq!(of(text), None, "{text:?}");
    }
    assert_eq!(of("(Help)"), Some(Command::Help));
    assert_eq!(of("help me"), None);
}

#[test]
fn what_users_of_other_products_reported_is_read_correctly() {
    for text in [
        "Stop. Thank you",                    // p2pu/learning-circles#593
        "please stop sending text reminders", // p2pu/learning-circles#372
        "REVOKE",                             // SparkDevNetwork/Rock#6399
        "Opt Out",                            // SparkDevNetwork/Rock#6399
        "stop sub",                           // ARPU-PLUS/Kenya_InstantWin#8
        "unsub",                              // ARPU-PLUS/Kenya_InstantWin#8
        "stop2quit",                          // Spoke#2184
        "delete my number",                   // Spoke#2184
        "take me off this list",              // Spoke#2184
        "Do not EVER contact me again",       // Spoke#1016
        "Don't text back",                    // Spoke#1016
        "leave me alone",                     // Braze, fuzzy opt-out
        "REMOVE",                             // AWS, required keywords
        "Quiero darme de baja",               // DeskcommCRM#416
        "baja",                               // DeskcommCRM#275
        "quero sair",                         // DeskcommCRM#275
        "obrigado, pode parar",               // DeskcommCRM#275
        "Sair da lista",                      // DeskcommCRM#275
    ] {
        assert!(of(text).is_some_and(Command::is_stop), "{text:?}");
    }
    for text in [
        "Count me in! We have got to STOP this terrible bill from passing!!", // Spoke#1016
        "Doy de baja la pauta?",                                              // DeskcommCRM#416
        "Voy a salir ahora",                                                  // DeskcommCRM#416
        "vou sair de férias",                                                 // DeskcommCRM#275
        "sair mais cedo",
        "parar o tratamento",
        "cancelar agendamento",
        "preciso sair agora",
        "sair da sala",
        "Spam? Stop by our store",
    ] {
        assert_eq!(of(text), None, "{text:?}");
    }
}

#[test]
fn clear_wording_is_an_opt_out_that_can_be_undone() {
    for text in [
        "please remove me from your list",
        "don't text me anymore",
        "I no longer wish to receive these",
        "STOP PLEASE",
        "Stop. Thank you",
        "Wrong number, please stop!",
        "How do I unsubscribe?",
        "🛑 no more texts",
    ] {
        assert_eq!(of(text), WORDING, "{text:?}");
    }
}

#[test]
fn what_only_sounds_like_an_opt_out_is_a_message() {
    for text in [
        "I'll stop by at 5",
        "cancel my order",
        "can't stop smiling",
        "Liked “20 % off. Reply STOP to opt out.”",
        "Reacted 😂 to “STOP”",
        "Sale! Reply STOP to opt out",
        "please don't remove me",
        "",
        "?",
        "👍",
    ] {
        assert_eq!(of(text), None, "{text:?}");
    }
}

#[test]
fn what_twilio_recognised_comes_first_and_a_button_counts() {
    let heard = |body, opt_out_type| {
        Command::of(
            &InboundText { body, opt_out_type, ..InboundText::default() },
            &OwnWords::default(),
        )
    };
    assert_eq!(heard("abracadabra", Some(OptOut::Stop)), WORD);
    assert_eq!(heard("join", Some(OptOut::Start)), Some(Command::Start(StartWord::Custom)));
    assert_eq!(heard("stop", Some(OptOut::Help)), Some(Command::Help));
    let pressed = |body, button_text, button_payload| {
        Command::of(
            &InboundText { body, button_text, button_payload, ..InboundText::default() },
            &OwnWords::default(),
        )
    };
    assert_eq!(pressed("Stop promotions", Some("Stop promotions"), Some("4711")), WORDING);
    assert_eq!(pressed("No thanks", Some("No thanks"), Some("OPT_OUT")), WORD);
    assert_eq!(pressed("Yes", Some("Yes"), Some("Stop")), WORD, "unsubscribe? Yes");
    assert_eq!(pressed("", Some("Désabonner"), None), WORD);
    assert_eq!(pressed("Tell me more", Some("Tell me more"), Some("START")), None);
}

#[test]
fn own_words_count_as_a_whole_text() {
    let own = OwnWords::of(&["Adios amigos", "βγες"]);
    for text in ["adios-amigos!", "ADIÓS AMIGOS", "“Βγες”"] {
        assert_eq!(Command::of_text(text, &own), WORD, "{text}");
    }
    assert_eq!(Command::of_text("adios amigos, see you", &own), None);
    assert_eq!(of("adios amigos"), None);
}

#[test]
fn yes_does_not_lift_a_toll_free_stop() {
    let lifts = |body| of(body).is_some_and(Command::lifts_toll_free);
    assert!(lifts("start") && lifts("Unstop"));
    assert!(!lifts("YES") && !lifts("STOP"));
    assert!(!Command::Start(StartWord::Custom).lifts_toll_free());
}

/// The time is linear in the length: a text of 40 times the length may take ten times its share,
/// and 100 ms.
#[test]
fn a_long_text_is_read_in_little_time() {
    let _ = of("warm up");
    for piece in [
        "stop ",
        "please ",
        "don't you ever not ",
        "no more ",
        "'a",
        "a",
        "“a ",
        "不要再发",
        "remove me from the ",
        "もう",
        "\u{301}",
    ] {
        let text = |length: usize| piece.repeat(length / piece.len());
        let time = |text: &str| {
            let started = Instant::now();
            let _ = of(text);
            started.elapsed()
        };
        let (short, long) = (time(&text(1_600)), time(&text(64_000)));
        assert!(
            long < short * 400 + std::time::Duration::from_millis(100),
            "{piece:?}: {short:?}, then {long:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_can_be_read(text in "\\PC{0,80}", control in any::<String>()) {
        let _ = of(&text);
        let _ = of(&control);
    }

    #[test]
    fn invisible_characters_change_nothing(
        place in 0..4_usize,
        invisible in "[\u{0}\u{1}\u{7f}\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{fe00}-\u{fe0f}\u{feff}]{1,4}"
    ) {
        let mut text = "STOP".to_owned();
        text.insert_str(place, &invisible);
        prop_assert_eq!(of(&text), WORD);
    }
}
