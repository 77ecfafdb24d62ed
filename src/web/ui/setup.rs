//! The set-up page of a new installation: creates the first admin, given the code in the log.

use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::Choice;
use super::locale_choices::{countries, time_zones};
use crate::error::{Error, FieldErrors};
use crate::users::organization::Organization;
use crate::users::password::Password;
use crate::users::{self, NewUser, Role, sessions, setup};
use crate::web::http::error::PageError;
use crate::web::{Anyone, Form, Page, PageResult, Visit};
use crate::{db, ledger};

/// Mounts `/setup`, which answers 404 once a user exists.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/setup").get(show).post(submit));
}

/// The set-up form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct SetupForm {
    code: String,
    name: String,
    email: String,
    #[serde(skip_serializing)]
    password: String,
    organization: String,
    default_country: String,
    time_zone: String,
}

/// The set-up page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SetupPage {
    form: SetupForm,
    errors: FieldErrors,
    countries: Vec<Choice>,
    time_zones: Vec<Choice>,
}

struct NewSetup {
    name: String,
    email: String,
    password: Password,
    organization: Organization,
}

async fn show(visit: Visit<Anyone>) -> PageResult {
    let mut conn = visit.conn().await?;
    if users::any(&mut conn).await? {
        return Err(PageError::NotFound("page"));
    }
    visit.page(&SetupPage::new(SetupForm::default(), FieldErrors::default()))
}

async fn submit(visit: Visit<Anyone>, form: Form<SetupForm>) -> PageResult {
    let mut conn = visit.conn().await?;
    if users::any(&mut conn).await? {
        return visit.redirect("/login").warning("Carillon is already set up. Sign in instead.");
    }
    let mut parsed = form.parse();
    if !form.code.trim().is_empty() && !setup::is_code(&mut conn, &form.code, visit.now()).await? {
        let errors = parsed.err().unwrap_or_default();
        parsed = Err(errors.with("code", setup::WRONG_CODE));
    }
    drop(conn);
    let new = match parsed {
        Ok(new) => new,
        Err(errors) => return visit.invalid(&SetupPage::new(form.into_inner(), errors)),
    };
    let admin = NewUser {
        email: new.email,
        name: new.name,
        role: Role::Admin,
        password_hash: new.password.hash().await?,
    };
    let now = visit.now();
    let mut conn = visit.conn().await?;
    let created = conn
        .transaction::<_, Error, _>(async |conn| {
            let user =
                setup::create_first_admin(conn, &form.code, &admin, &new.organization, now).await?;
            Ok((user.id, sessions::start(conn, user.id, visit.browser(), now).await?))
        })
        .await;
    if created.is_ok() {
        db::transaction(&mut conn, async |tx| {
            ledger::follow_zone(tx, ledger::INLINE_RECOUNT_LIMIT, now).await
        })
        .await?;
    }
    match created {
        Ok((user, token)) => {
            visit.signed_in(user, &token, "/").flash("Welcome. Your Carillon is ready.")
        }
        Err(Error::Invalid(errors)) => visit.invalid(&SetupPage::new(form.into_inner(), errors)),
        Err(error) => Err(error.into()),
    }
}

impl SetupForm {
    fn parse(&self) -> Result<NewSetup, FieldErrors> {
        let account = users::parse_account(&self.name, &self.email, &self.password);
        let organization =
            Organization::parse(&self.organization, &self.default_country, &self.time_zone);
        let mut errors = FieldErrors::default();
        if self.code.trim().is_empty() {
            errors.add("code", "Enter the set-up code from the log.");
        }
        match (account, organization, errors.is_empty()) {
            (Ok((name, email, password)), Ok(organization), true) => {
                Ok(NewSetup { name, email, password, organization })
            }
            (account, organization, _) => {
                let others = account.err().into_iter().chain(match organization {
                    Err(Error::Invalid(fields)) => Some(fields),
                    _ => None,
                });
                for fields in others {
                    fields.iter().for_each(|(field, messages)| {
                        for message in messages {
                            errors.add(field, message);
                        }
                    });
                }
                Err(errors)
            }
        }
    }
}

impl SetupPage {
    fn new(form: SetupForm, errors: FieldErrors) -> Self {
        Self { form, errors, countries: countries(), time_zones: time_zones() }
    }
}

impl Page for SetupPage {
    const TEMPLATE: &'static str = "ui/setup.html";
}

#[cfg(debug_assertions)]
#[path = "samples/setup.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_every_missing_field() {
        let Err(errors) = SetupForm::default().parse() else {
            panic!("an empty form was accepted")
        };
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["code", "email", "name", "organization", "password"]
        );
    }
}
