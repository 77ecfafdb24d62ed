//! Samples of the system page: default settings, and long ones.

use chrono::{DateTime, TimeDelta};

use super::SystemPage;
use crate::config::Config;
use crate::web::{Samples, Varies};

impl Samples for SystemPage {
    const VARIES: Varies = Varies { texts: &["data_dir", "settings.value"], lists: &["settings"] };

    fn samples() -> Vec<Self> {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(2);
        let long = format!("/{}", "a-directory-with-a-long-name/".repeat(8));
        let vars = [
            ("CARILLON_DATA_DIR", long.as_str()),
            ("DATABASE_URL", "postgres://ada:x@db/carillon"),
            ("CARILLON_LOG", "debug"),
        ];
        let samples = [vec![("CARILLON_DATA_DIR", "/data")], vars.to_vec()].map(Config::from_vars);
        samples
            .into_iter()
            .flatten()
            .map(|config| Self::new(&config, DateTime::UNIX_EPOCH, now, "Europe/Berlin".to_owned()))
            .collect()
    }
}
