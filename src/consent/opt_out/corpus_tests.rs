//! How well the rules read labelled replies: recall and false opt-outs by language.

use std::collections::BTreeMap;

use super::Command;
use super::own_words::OwnWords;

/// The numbers of texts of each label, and of those that were read as opt-outs.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    opt_outs: usize,
    found: usize,
    others: usize,
    wrong: usize,
}

impl Figures {
    fn recall(self) -> f64 {
        percent(self.found, self.opt_outs)
    }

    fn false_opt_outs(self) -> f64 {
        percent(self.wrong, self.others)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a corpus has thousands of texts, not more")]
fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// The figures of a part of the corpus, by language and in total, and the texts that were read
/// wrongly.
fn measure(part: &str) -> (BTreeMap<String, Figures>, Vec<String>) {
    let path = format!("{}/tests/corpus/opt_out/{part}.tsv", env!("CARGO_MANIFEST_DIR"));
    let corpus = std::fs::read_to_string(path).unwrap();
    let (mut figures, mut wrong) = (BTreeMap::<String, Figures>::new(), Vec::new());
    for line in corpus.lines().filter(|line| !line.is_empty()) {
        let [label, language, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else {
            panic!("no three columns: {line}")
        };
        let stops = Command::of_text(&text.replace("\\n", "\n"), &OwnWords::default())
            .is_some_and(Command::is_stop);
        for key in [language, "all"] {
            let figures = figures.entry(key.to_owned()).or_default();
            match label {
                "opt_out" => {
                    (figures.opt_outs, figures.found) =
                        (figures.opt_outs + 1, figures.found + usize::from(stops));
                }
                "other" => {
                    (figures.others, figures.wrong) =
                        (figures.others + 1, figures.wrong + usize::from(stops));
                }
                _ => panic!("no label: {line}"),
            }
        }
        if stops != (label == "opt_out") {
            wrong.push(line.to_owned());
        }
    }
    (figures, wrong)
}

fn print_figures(part: &str, figures: &BTreeMap<String, Figures>) {
    println!("{part}: language, opt-outs found, recall, others read as opt-outs, false opt-outs");
    for (language, of) in figures {
        let (recall, false_opt_outs) = (of.recall(), of.false_opt_outs());
        println!(
            "{language:>4} {:>5} of {:<5} {recall:>6.1} % {:>5} of {:<5} {false_opt_outs:>5.1} %",
            of.found, of.opt_outs, of.wrong, of.others
        );
    }
}

#[test]
fn texts_that_the_rules_were_not_written_with_are_read_correctly() {
    let (figures, _) = measure("held_out");
    print_figures("held out", &figures);
    let all = figures["all"];
    assert!(all.opt_outs + all.others >= 600);
    assert!(all.recall() >= 97.0, "recall {:.1} %", all.recall());
    assert!(all.false_opt_outs() <= 3.0, "false opt-outs {:.1} %", all.false_opt_outs());
    for (language, of) in figures {
        assert!(of.recall() >= 85.0 && of.false_opt_outs() <= 15.0, "{language}: {of:?}");
    }
}

#[test]
fn a_second_held_out_set_is_read_as_well() {
    let (figures, _) = measure("second_held_out");
    print_figures("second held out", &figures);
    let all = figures["all"];
    assert!(all.opt_outs + all.others >= 400);
    assert!(all.recall() >= 97.0, "recall {:.1} %", all.recall());
    assert!(all.false_opt_outs() <= 3.0, "false opt-outs {:.1} %", all.false_opt_outs());
}

#[test]
fn a_third_held_out_set_is_read_as_well() {
    let (figures, _) = measure("third_held_out");
    print_figures("third held out", &figures);
    let all = figures["all"];
    assert!(all.opt_outs + all.others >= 280);
    assert!(all.recall() >= 97.0, "recall {:.1} %", all.recall());
    assert!(all.false_opt_outs() <= 3.0, "false opt-outs {:.1} %", all.false_opt_outs());
}

#[test]
fn texts_that_the_rules_were_written_with_are_read_correctly() {
    let (figures, wrong) = measure("dev");
    print_figures("dev", &figures);
    let all = figures["all"];
    assert!(all.recall() >= 99.0 && all.false_opt_outs() <= 1.0, "{}", wrong.join("\n"));
}
