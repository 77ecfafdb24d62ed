//! The statistics of `make bench-compare`, tested here because a benchmark target has no tests.

#[path = "../../benches/throughput/statistics.rs"]
mod statistics;

use statistics::{Better, Spread, Verdict, median, range, share};

fn assert_near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
}

fn verdict(ratios: &[f64]) -> Verdict {
    Spread::of(ratios).unwrap().verdict()
}

#[test]
fn a_ratio_above_one_is_better_for_rates_and_times() {
    assert_near(Better::More.ratio(100.0, 110.0).unwrap(), 1.1);
    assert_near(Better::Less.ratio(110.0, 100.0).unwrap(), 1.1);
    assert_near(Better::Less.as_rate(4.0), 250.0);
    assert_near(Better::More.as_rate(4.0), 4.0);
}

#[test]
fn an_invalid_measurement_has_no_ratio() {
    assert_eq!(Better::More.ratio(0.0, 5.0), None);
    assert_eq!(Better::Less.ratio(0.0, 5.0), None);
    assert_eq!(Better::More.ratio(5.0, f64::NAN), None);
    assert_eq!(Spread::of(&[]), None);
}

#[test]
fn the_median_of_an_even_count_is_the_mean_of_the_middle_two() {
    assert_near(median(&[3.0, 1.0, 2.0]), 2.0);
    assert_near(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    assert_near(median(&[7.0]), 7.0);
    assert!(median(&[]).is_nan());
    assert_near(range(&[2.0, 9.0, 1.0])[0], 1.0);
    assert_near(range(&[2.0, 9.0, 1.0])[1], 9.0);
}

#[test]
fn a_share_is_relative_to_the_measurement_right_before() {
    // For the second pair, the machine and the program were both half as fast.
    assert_near(share(&[100.0, 50.0, 120.0], &[1_000.0, 500.0, 1_000.0]), 0.1);
}

#[test]
fn the_interval_excludes_as_many_as_the_sign_test_allows() {
    for (pairs, low, high, confidence) in [
        (1, 1.0, 1.0, 0.0),
        (5, 1.0, 5.0, 0.9375),
        (6, 1.0, 6.0, 0.968_75),
        (8, 1.0, 8.0, 0.992_187_5),
        (9, 2.0, 8.0, 0.960_937_5),
        (12, 3.0, 10.0, 0.961_425_781_25),
    ] {
        let ratios: Vec<f64> = (1..=pairs).map(f64::from).collect();
        let spread = Spread::of(&ratios).unwrap();
        assert_near(spread.interval[0], low);
        assert_near(spread.interval[1], high);
        assert_near(spread.confidence, confidence);
    }
}

#[test]
fn a_spread_has_a_median_quartiles_and_an_interval() {
    let spread = Spread::of(&[1.04, 0.98, 1.0, 1.02, 1.01]).unwrap();
    assert_eq!(spread.pairs, 5);
    assert_near(spread.median, 1.01);
    assert_near(spread.quartiles[0], 1.0);
    assert_near(spread.quartiles[1], 1.02);
    assert_near(spread.interval[0], 0.98);
    assert_near(spread.interval[1], 1.04);
}

#[test]
fn a_narrow_interval_decides() {
    assert_eq!(verdict(&[1.01, 1.05, 1.03, 1.02, 1.08, 1.04]), Verdict::Better);
    assert_eq!(verdict(&[0.98, 1.02, 1.0, 0.99, 1.01, 1.0]), Verdict::NoWorse);
    assert_eq!(verdict(&[0.98, 0.99, 0.98, 0.99, 0.98, 0.99]), Verdict::SlightlyWorse);
    assert_eq!(verdict(&[0.90, 0.94, 0.92, 0.95, 0.93, 0.91]), Verdict::Worse);
}

#[test]
fn a_wide_interval_needs_more_pairs() {
    let Verdict::Undecided { more_pairs: few } = verdict(&[0.95, 1.02, 1.0, 0.99, 1.01, 1.03])
    else {
        panic!("0.95 to 1.03 decides nothing");
    };
    let Verdict::Undecided { more_pairs: many } = verdict(&[0.6, 1.5, 1.0, 0.8, 1.2, 1.3]) else {
        panic!("0.6 to 1.5 decides nothing");
    };
    // From nine pairs on, the interval excludes one at either end.
    assert_eq!(few, 3);
    assert!(many > 20, "{many}");
}

#[test]
fn too_few_pairs_decide_nothing() {
    assert_eq!(verdict(&[1.2, 1.2]), Verdict::Undecided { more_pairs: 4 });
    assert_eq!(verdict(&[0.5, 0.5, 0.5, 0.5]), Verdict::Undecided { more_pairs: 2 });
}
