//! What is the matter with the workings of the installation: admins are led to it, others are told
//! whom to ask.

use chrono::{DateTime, TimeDelta, Utc};

use super::attention::Attention;
use crate::db::Conn;
use crate::error::Result;
use crate::queue::{failed, overview, routines, set_aside};
use crate::users::{Role, people};
use crate::web::ui::admin::words;
use crate::web::ui::automations::words::rough;

/// Twilio and networks have bad minutes: a routine that fails is worth a line after so long.
const FAILING: TimeDelta = TimeDelta::minutes(10);

/// After so long without a worker, nobody is just starting one.
const ABANDONED: TimeDelta = TimeDelta::minutes(1);

/// So many admins are named at most.
const NAMED: usize = 3;

/// What there is to say.
struct Trouble {
    text: String,
    link: &'static str,
    action: &'static str,
}

/// Collects the lines, the gravest first.
pub(super) async fn load(
    conn: &mut Conn,
    role: Role,
    now: DateTime<Utc>,
) -> Result<Vec<Attention>> {
    let troubles = troubles(conn, now).await?;
    if role == Role::Admin || troubles.is_empty() {
        return Ok(troubles
            .into_iter()
            .map(|one| Attention::with_link(one.text, one.link.to_owned(), one.action))
            .collect());
    }
    let people = people::list(conn).await?;
    let admins: Vec<&str> = people
        .iter()
        .filter(|user| user.role == Role::Admin && user.disabled_at.is_none())
        .map(|user| user.name.as_str())
        .collect();
    let ask = whom_to_ask(&admins);
    Ok(troubles
        .into_iter()
        .map(|one| Attention::without_link(format!("{} {ask}", one.text)))
        .collect())
}

async fn troubles(conn: &mut Conn, now: DateTime<Utc>) -> Result<Vec<Trouble>> {
    let mut troubles = Vec::new();
    if overview::abandoned_since(conn, now).await?.is_some_and(|since| now - since > ABANDONED) {
        let text = "No worker is running: nothing is sent, and nobody moves on in an automation."
            .to_owned();
        troubles.push(Trouble { text, link: "/admin", action: "See what to do" });
    }
    let failed = failed::count(conn, None).await?;
    if failed > 0 {
        let text = match failed {
            1 => "A job has failed: a message or a contact stands still until it is tried again."
                .to_owned(),
            many => {
                let many = rough(many, failed::COUNTED);
                format!(
                    "{many} jobs have failed: messages or contacts stand still until they are \
                     tried again."
                )
            }
        };
        troubles.push(Trouble { text, link: "/admin/failed", action: "See which" });
    }
    let aside = set_aside::count(conn).await?;
    if aside > 0 {
        let text = match aside {
            1 => "One thing could not be done and was set aside; it is tried again.".to_owned(),
            many => format!(
                "{} things could not be done and were set aside; they are tried again.",
                rough(many, set_aside::COUNTED)
            ),
        };
        troubles.push(Trouble { text, link: "/admin/set-aside", action: "See which" });
    }
    let standings = routines::standings(conn).await?;
    for standing in standings
        .iter()
        .filter(|standing| standing.failing_since.is_some_and(|since| now - since >= FAILING))
    {
        let (name, about) = words::routine(standing.routine);
        let text = format!("A routine keeps failing: {}. {about}", name.to_lowercase());
        troubles.push(Trouble { text, link: "/admin", action: "See why" });
    }
    Ok(troubles)
}

/// `Ask an admin to look at it: Ada or Ben.`
fn whom_to_ask(admins: &[&str]) -> String {
    match admins {
        [] => "Ask whoever runs this server to look at it.".to_owned(),
        [one] => format!("Ask {one} to look at it, who is an admin."),
        [rest @ .., last] if admins.len() <= NAMED => {
            format!("Ask an admin to look at it: {} or {last}.", rest.join(", "))
        }
        _ => format!("Ask an admin to look at it, such as {}.", admins[..NAMED].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_no_admin_is_told_whom_to_ask() {
        assert_eq!(whom_to_ask(&["Ada"]), "Ask Ada to look at it, who is an admin.");
        assert_eq!(whom_to_ask(&["Ada", "Ben"]), "Ask an admin to look at it: Ada or Ben.");
        assert_eq!(
            whom_to_ask(&["A", "B", "C", "D"]),
            "Ask an admin to look at it, such as A, B, C."
        );
    }
}
