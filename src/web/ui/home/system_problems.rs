//! The problems of jobs, workers and routines. Admins get a link to them; other users read which
//! admins to ask.

use chrono::{DateTime, TimeDelta, Utc};

use super::attention::Attention;
use crate::db::Conn;
use crate::error::Result;
use crate::queue::{failed_jobs, overview, routines, set_aside};
use crate::users::{self, Role};
use crate::web::quantities::capped_count;
use crate::web::ui::admin::labels;

/// How long a routine may fail before it is reported: Twilio and networks have short outages.
const FAILURE_TOLERANCE: TimeDelta = TimeDelta::minutes(10);

/// How long no worker may run before it is reported: a restart takes less.
const RESTART_TOLERANCE: TimeDelta = TimeDelta::minutes(1);

/// The largest number of admins that are named.
const MAX_NAMED: usize = 3;

/// A problem, with the link that admins get.
struct Problem {
    text: String,
    link: &'static str,
    action: &'static str,
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
                Attention::with_link(problem.text, problem.link.to_owned(), problem.action)
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
        .map(|problem| Attention::without_link(format!("{} {advice}", problem.text)))
        .collect())
}

async fn problems(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    if overview::abandoned_since(conn, now)
        .await?
        .is_some_and(|since| now - since > RESTART_TOLERANCE)
    {
        let text = "No worker is running: nothing is sent, and nobody moves on in an automation."
            .to_owned();
        problems.push(Problem { text, link: "/admin", action: "See what to do" });
    }
    let failed = failed_jobs::count(conn, None).await?;
    if failed > 0 {
        let text = match failed {
            1 => "A job has failed: a message or a contact stands still until it is tried again."
                .to_owned(),
            many => {
                let many = capped_count(many, failed_jobs::MAX_COUNTED);
                format!(
                    "{many} jobs have failed: messages or contacts stand still until they are \
                     tried again."
                )
            }
        };
        problems.push(Problem { text, link: "/admin/failed", action: "See which" });
    }
    let aside = set_aside::count(conn).await?;
    if aside > 0 {
        let text = match aside {
            1 => "One thing could not be done and was set aside; it is tried again.".to_owned(),
            many => format!(
                "{} things could not be done and were set aside; they are tried again.",
                capped_count(many, set_aside::MAX_COUNTED)
            ),
        };
        problems.push(Problem { text, link: "/admin/set-aside", action: "See which" });
    }
    let standings = routines::statuses(conn).await?;
    for standing in standings.iter().filter(|standing| {
        standing.failing_since.is_some_and(|since| now - since >= FAILURE_TOLERANCE)
    }) {
        let (name, about) = labels::routine(standing.routine);
        let text = format!("A routine keeps failing: {}. {about}", name.to_lowercase());
        problems.push(Problem { text, link: "/admin", action: "See why" });
    }
    Ok(problems)
}

/// A sentence about whom to ask: `Ask an admin to look at it: Ada or Ben.`
fn whom_to_ask(admins: &[&str]) -> String {
    match admins {
        [] => "Ask whoever runs this server to look at it.".to_owned(),
        [one] => format!("Ask {one} to look at it, who is an admin."),
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
        assert_eq!(whom_to_ask(&["Ada"]), "Ask Ada to look at it, who is an admin.");
        assert_eq!(whom_to_ask(&["Ada", "Ben"]), "Ask an admin to look at it: Ada or Ben.");
        assert_eq!(
            whom_to_ask(&["A", "B", "C", "D"]),
            "Ask an admin to look at it, such as A, B, C."
        );
    }
}
