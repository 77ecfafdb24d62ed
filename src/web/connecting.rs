//! Connecting Twilio, for pages and API alike: ask Twilio first, save in one transaction, then set the webhooks.

use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use futures::{StreamExt, stream};

use crate::app::App;
use crate::connections::{self, Check, Connection, Keys, NewConnection, NewKeys, Problem, SenderAddress, VerifiedAccount, VerifiedSender};
use crate::db::{Conn, Unavailable};
use crate::error::{Error, FieldErrors};
use crate::messages::claim::{self, WakeScope};
use crate::messages::throttle;
use crate::senders::inbound::{self, Route};
use crate::senders::{self, Limits, Sender};
use crate::twilio::Credentials;
use crate::types::id::{ConnectionId, SenderId};

/// What a person or a program sends to connect an account.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectForm {
    /// Empty takes the account's name.
    pub(crate) name: String,
    /// The keys, as they were entered.
    pub(crate) keys: NewKeys,
    /// A number or the SID of a Messaging Service.
    pub(crate) sender: String,
}

/// Why an account, its keys or a sender could not be saved.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// Twilio's answer.
    Problem(Problem),
    /// A field, or a thing that does not exist.
    Slice(Error),
    /// No database.
    Away(Unavailable),
}

type Result<T> = std::result::Result<T, ConnectError>;

/// What is noted at a sender when a check finds that its webhook was changed in Twilio.
const NOT_REPORTED_HERE: &str = "Twilio does not report them here any more: set the webhook again.";

/// Senders that are asked about at the same time.
const AT_ONCE: usize = 4;

/// Verifies account and sender live, saves both, and has incoming messages reported here. That the last did not work is
/// noted at the sender and undoes nothing.
pub(crate) async fn connect(app: &App, form: ConnectForm) -> Result<(Connection, Sender)> {
    let (keys, address) = parse(&form)?;
    let verified = connections::verify(&app.twilio, &keys, &address).await?;
    let credentials = keys.credentials();
    let new = NewConnection { name: form.name, account: verified.account, keys };
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let (connection, sender) = conn
        .transaction::<_, Error, _>(async |conn| {
            let connection = connections::create(conn, &app.secret_key, new, now).await?;
            let sender = senders::create(conn, connection.id, &verified.sender, now).await?;
            Ok((connection, sender))
        })
        .await?;
    drop(conn);
    tracing::info!(connection.id = %connection.id, sender.id = %sender.id, "a Twilio account was connected");
    let sender = report_here(app, &credentials, sender).await?;
    Ok((connection, sender))
}

/// Verifies one more sender of a connection live, saves it, and has its incoming messages reported here.
pub(crate) async fn add_sender(app: &App, id: ConnectionId, sender: &str) -> Result<Sender> {
    let address = SenderAddress::parse(sender).map_err(|error| Error::field("sender", error.to_string()))?;
    let credentials = credentials(app, id).await?;
    let found = connections::find_sender(&app.twilio, &credentials, &address).await?;
    let sender = senders::create(&mut *app.db.get().await?, id, &found, app.clock.now()).await?;
    tracing::info!(connection.id = %id, sender.id = %sender.id, "a sender was added");
    report_here(app, &credentials, sender).await
}

/// Sets the sender's inbound webhook again.
pub(crate) async fn set_inbound(app: &App, id: SenderId) -> Result<Sender> {
    let sender = senders::find(&mut *app.db.get().await?, id).await?;
    let credentials = credentials(app, sender.connection_id).await?;
    report_here(app, &credentials, sender).await
}

/// Puts other keys of the same account in place of the saved ones, after Twilio has accepted them; wrong ones change nothing.
pub(crate) async fn replace_keys(app: &App, id: ConnectionId, mut keys: NewKeys) -> Result<Connection> {
    let connection = connections::find(&mut *app.db.get().await?, id).await?;
    keys.account_sid.clone_from(&connection.account_sid);
    let keys = Keys::parse(&keys).map_err(Error::Invalid)?;
    let account = connections::verify_account(&app.twilio, &keys).await?;
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| {
            connections::replace_keys(conn, id, &app.secret_key, &keys).await?;
            note_verified(conn, id, &account, now).await?;
            connections::find(conn, id).await
        })
        .await?;
    tracing::info!(connection.id = %id, "the keys of a connection were replaced");
    Ok(connection)
}

/// Asks Twilio about everything that a connection needs, and takes over what it says: names, capabilities, that the keys work.
pub(crate) async fn check(app: &App, id: ConnectionId) -> Result<Vec<Check>> {
    let mut conn = app.db.get().await?;
    let keys = match connections::keys(&mut conn, id, &app.secret_key).await {
        Err(Error::Refused(reason)) => return Ok(vec![Check::failed("Keys", reason, "Replace the keys.")]),
        keys => keys?,
    };
    let senders = senders::of_connection(&mut conn, id).await?;
    drop(conn);
    let account = connections::verify_account(&app.twilio, &keys).await;
    let mut checks = connections::account_checks(&keys, &account);
    checks.extend(public_url_warning(app));
    let Ok(account) = account else { return Ok(checks) };
    let credentials = keys.credentials();
    let asked: Vec<Asked> = stream::iter(senders).map(|sender| Asked::about(app, &credentials, sender)).buffered(AT_ONCE).collect().await;
    let url = inbound::url(&app.config.public_url, id);
    for Asked { sender, found, route } in &asked {
        checks.extend(senders::checks(sender, found, route, &url));
    }
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        note_verified(conn, id, &account, now).await?;
        for Asked { sender, found, route } in &asked {
            if let Ok(found) = found {
                senders::refresh(conn, sender.id, found).await?;
            }
            if let Ok(route) = route {
                let reported = if route.url() == Some(url.as_str()) { Ok(url.as_str()) } else { Err(NOT_REPORTED_HERE) };
                senders::record_inbound(conn, sender.id, reported).await?;
            }
        }
        Ok(())
    })
    .await?;
    Ok(checks)
}

/// Switches a connection off: its sending stops at once.
pub(crate) async fn disable_connection(app: &App, id: ConnectionId) -> Result<Connection> {
    let connection = connections::disable(&mut *app.db.get().await?, id, app.clock.now()).await?;
    tracing::info!(connection.id = %id, "a connection was disabled");
    Ok(connection)
}

/// Switches a connection on again: it sends, also what has been waiting.
pub(crate) async fn enable_connection(app: &App, id: ConnectionId) -> Result<Connection> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let connection = conn
        .transaction::<_, Error, _>(async |conn| {
            let connection = connections::enable(conn, id).await?;
            claim::wake(conn, WakeScope::Connection(id), now).await?;
            Ok(connection)
        })
        .await?;
    tracing::info!(connection.id = %id, "a connection was enabled");
    Ok(connection)
}

/// Switches a sender off: its sending stops at once.
pub(crate) async fn disable_sender(app: &App, id: SenderId) -> Result<Sender> {
    let sender = senders::disable(&mut *app.db.get().await?, id, app.clock.now()).await?;
    tracing::info!(sender.id = %id, "a sender was disabled");
    Ok(sender)
}

/// Switches a sender on again: it sends, also what has been waiting.
pub(crate) async fn enable_sender(app: &App, id: SenderId) -> Result<Sender> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            let sender = senders::enable(conn, id).await?;
            claim::wake(conn, WakeScope::Sender(id), now).await?;
            Ok(sender)
        })
        .await?;
    tracing::info!(sender.id = %id, "a sender was enabled");
    Ok(sender)
}

/// Gives a sender other limits: what waits for its rate goes on by the new one.
pub(crate) async fn limit_sender(app: &App, id: SenderId, limits: Limits) -> Result<Sender> {
    let now = app.clock.now();
    let mut conn = app.db.get().await?;
    let sender = conn
        .transaction::<_, Error, _>(async |conn| {
            let sender = senders::limit(conn, id, limits).await?;
            throttle::follow_new_rate(conn, id, now).await?;
            Ok(sender)
        })
        .await?;
    tracing::info!(sender.id = %id, "the limits of a sender were changed");
    Ok(sender)
}

/// The senders that the account has and the connection has not.
pub(crate) async fn candidates(app: &App, id: ConnectionId) -> Result<Vec<VerifiedSender>> {
    let credentials = credentials(app, id).await?;
    let mut found = connections::candidates(&app.twilio, &credentials).await?;
    let known = senders::of_connection(&mut *app.db.get().await?, id).await?;
    found.retain(|candidate| known.iter().all(|sender| sender.address != candidate.address));
    Ok(found)
}

/// That the internet cannot reach the public URL, if it looks so; another server in Twilio's place may well reach it.
pub(crate) fn public_url_warning(app: &App) -> Option<Check> {
    if app.config.twilio_api_url.is_some() {
        return None;
    }
    Some(connections::public_url_check(&app.config.public_url))
}

/// What Twilio says about one sender.
struct Asked {
    sender: Sender,
    found: std::result::Result<VerifiedSender, Problem>,
    route: std::result::Result<Route, Problem>,
}

impl Asked {
    async fn about(app: &App, credentials: &Credentials, sender: Sender) -> Self {
        let found = connections::find_sender(&app.twilio, credentials, &sender.address).await;
        let route = inbound::route(&app.twilio, credentials, &sender.address).await;
        Self { sender, found, route }
    }
}

impl ConnectError {
    /// What is wrong with which field of a form; the field `form` is the form as a whole. Other errors are no matter of fields.
    pub(crate) fn fields(self) -> Result<FieldErrors> {
        match self {
            Self::Problem(problem) => Ok(FieldErrors::default().with(problem.field().unwrap_or("form"), problem.message())),
            Self::Slice(Error::Invalid(fields)) => Ok(fields),
            Self::Slice(Error::Refused(reason)) => Ok(FieldErrors::default().with("form", reason)),
            other => Err(other),
        }
    }
}

fn parse(form: &ConnectForm) -> Result<(Keys, SenderAddress)> {
    let address = SenderAddress::parse(&form.sender);
    match (Keys::parse(&form.keys), address) {
        (Ok(keys), Ok(address)) => Ok((keys, address)),
        (Ok(_), Err(error)) => Err(Error::field("sender", error.to_string()).into()),
        (Err(fields), Ok(_)) => Err(Error::Invalid(fields).into()),
        (Err(fields), Err(error)) => Err(Error::Invalid(fields.with("sender", error.to_string())).into()),
    }
}

/// Notes that Twilio accepts the keys; if Carillon had stopped the connection, what has been waiting goes on.
async fn note_verified(conn: &mut Conn, id: ConnectionId, account: &VerifiedAccount, now: DateTime<Utc>) -> std::result::Result<(), Error> {
    if connections::record_verified(conn, id, account, now).await? {
        claim::wake(conn, WakeScope::Connection(id), now).await?;
    }
    Ok(())
}

async fn credentials(app: &App, id: ConnectionId) -> Result<Credentials> {
    Ok(connections::credentials(&mut *app.db.get().await?, id, &app.secret_key).await?)
}

/// Has Twilio report the sender's incoming messages here, and notes at the sender what came of it.
async fn report_here(app: &App, credentials: &Credentials, sender: Sender) -> Result<Sender> {
    let url = inbound::url(&app.config.public_url, sender.connection_id);
    let set = inbound::set(&app.twilio, credentials, &sender.address, &url, &app.config.public_url).await;
    let outcome = set.map(drop).map_err(|error| error.message(&url));
    if let Err(reason) = &outcome {
        tracing::warn!(sender.id = %sender.id, reason = %reason, "the inbound webhook could not be set");
    }
    let noted = outcome.as_ref().map(|()| url.as_str()).map_err(String::as_str);
    Ok(senders::record_inbound(&mut *app.db.get().await?, sender.id, noted).await?)
}

impl From<Problem> for ConnectError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        Self::Slice(error)
    }
}

impl From<Unavailable> for ConnectError {
    fn from(error: Unavailable) -> Self {
        Self::Away(error)
    }
}

impl From<ConnectError> for super::PageError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Problem(problem) => Self::Refused(problem.message()),
            ConnectError::Slice(error) => error.into(),
            ConnectError::Away(error) => error.into(),
        }
    }
}

impl From<ConnectError> for super::api::ApiError {
    fn from(error: ConnectError) -> Self {
        use actix_web::http::StatusCode;

        match error {
            ConnectError::Problem(problem) => {
                let fields = problem.field().map(|field| FieldErrors::default().with(field, problem.message()));
                let answer = Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem.code(), problem.message());
                answer.with_fields(fields.unwrap_or_default())
            }
            ConnectError::Slice(error) => error.into(),
            ConnectError::Away(error) => error.into(),
        }
    }
}
