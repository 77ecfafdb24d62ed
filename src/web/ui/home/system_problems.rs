//! The problems of jobs, workers, routines and emails. Admins get a link to them; other users read
//! which admins to ask.

use chrono::{DateTime, TimeDelta, Utc};

use super::attention::Attention;
use crate::db::Conn;
use crate::error::Result;
use crate::queue::{failed_jobs, overview, routines, set_aside};
use crate::users::{self, Role, password_resets};
use crate::web::quantities::{capped_count, grouped};
use crate::web::ui::admin::labels;

/// How long a routine may fail before it is reported: Twilio and networks have short outages.
const FAILURE_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// How long no worker may run before it is reported: a restart takes less.
const RESTART_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// How long a password link that could not be emailed is reported.
const UNSENT_LINK_SHOWN_FOR: TimeDelta = TimeDelta::days(1);

/// The largest number of admins that are named.
const MAX_NAMED: usize = 3;

/// A problem, with the link that admins get.
struct Problem {
    title: String,
    detail: String,
    link: String,
}

impl Problem {
    fn new(title: impl Into<String>, detail: impl Into<String>, link: impl Into<String>) -> Self {
        Self { title: title.into(), detail: detail.into(), link: link.into() }
    }
}

/// Collects the problems, the most severe first.
pub(super) async fn load(
    conn: &mut Conn,
    role: Role,
    now: DateTime<Utc>,
) -> Result<Vec<Attention>> {
    let problems = problems(conn, now).await?;
    if role == Role::Admin || problems.is_empty() {
        return Ok(problems
            .into_iter()
            .map(|problem| {
                Attention::new("server", problem.title, problem.detail, Some(problem.link))
            })
            .collect());
    }
    let people = users::list(conn).await?;
    let admins: Vec<&str> = people
        .iter()
        .filter(|user| user.role == Role::Admin && user.disabled_at.is_none())
        .map(|user| user.name.as_str())
        .collect();
    let advice = whom_to_ask(&admins);
    Ok(problems
        .into_iter()
        .map(|problem| {
            let detail = format!("{} {advice}", problem.detail);
            Attention::new("server", problem.title, detail, None)
        })
        .collect())
}

async fn problems(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    if overview::abandoned_since(conn, now)
        .await?
        .is_some_and(|since| now - since > RESTART_TOLERANCE)
    {
        problems.push(Problem::new(
            "No worker is running",
            "Carillon sends nothing, and automations stand still.",
            "/admin",
        ));
    }
    let failed = failed_jobs::count(conn, None).await?;
    if failed > 0 {
        let (title, detail) = match failed {
            1 => (
                "A job has failed".to_owned(),
                "A message or a contact stands still until an admin retries it.",
            ),
            many => (
                format!("{} jobs have failed", capped_count(many, failed_jobs::MAX_COUNTED)),
                "Messages or contacts stand still until an admin retries them.",
            ),
        };
        problems.push(Problem::new(title, detail, "/admin/failed"));
    }
    let aside = set_aside::count(conn).await?;
    if aside > 0 {
        let title = match aside {
            1 => "One item failed and is set aside".to_owned(),
            many => {
                format!(
                    "{} items failed and are set aside",
                    capped_count(many, set_aside::MAX_COUNTED)
                )
            }
        };
        problems.push(Problem::new(title, "Carillon keeps trying.", "/admin/set-aside"));
    }
    let standings = routines::statuses(conn).await?;
    for standing in standings.iter().filter(|standing| {
        standing.failing_since.is_some_and(|since| now - since >= FAILURE_TOLERANCE)
    }) {
        let (name, about) = labels::routine(standing.routine);
        let title = format!("A routine keeps failing: {}", name.to_lowercase());
        problems.push(Problem::new(title, about, "/admin"));
    }
    let unsent = password_resets::list_unsent(conn, now - UNSENT_LINK_SHOWN_FOR).await?;
    if let Some(newest) = unsent.first() {
        let title = match unsent.len() {
            1 => "A password link wasn’t emailed".to_owned(),
            many => format!("{} password links weren’t emailed", grouped(many)),
        };
        let link = format!("/settings/users/{}", newest.user_id);
        problems.push(Problem::new(title, newest.error.as_str(), link));
    }
    Ok(problems)
}

/// A sentence about whom to ask: `Ask an admin to look at it: Ada or Ben.`
fn whom_to_ask(admins: &[&str]) -> String {
    match admins {
        [] => "Ask the person who runs this server.".to_owned(),
        [one] => format!("Ask {one} to look at it."),
        [rest @ .., last] if admins.len() <= MAX_NAMED => {
            format!("Ask an admin to look at it: {} or {last}.", rest.join(", "))
        }
        _ => format!("Ask an admin to look at it, such as {}.", admins[..MAX_NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_users_read_which_admin_to_ask() {
        assert_eq!(whom_to_ask(&["Ada"]), "Ask Ada to look at it.");
        assert_eq!(whom_to_ask(&["Ada", "Ben"]), "Ask an admin to look at it: Ada or Ben.");
        assert_eq!(
            whom_to_ask(&["A", "B", "C", "D"]),
            "Ask an admin to look at it, such as A, B, C."
        );
    }
}
