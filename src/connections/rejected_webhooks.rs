//! Rejected webhooks, stored without their content so that admins see the reasons.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::db::schema::rejected_webhooks;
use crate::error::Result;
use crate::types::id::ConnectionId;
use crate::types::text_enum::text_enum;

/// Maximum number of stored rejections per connection.
pub const MAX_STORED: i64 = 1_000;

/// Number of rejections between two prunings, so that a flood of forged requests costs one insert
/// each.
const PRUNE_EVERY: i64 = 50;

text_enum! {
    /// The hook that was called.
    pub enum Hook {
        /// An inbound message.
        Inbound = "inbound",
        /// A status callback.
        Status = "status",
        /// Carillon's own call, to test the webhook.
        Test = "test",
    }
}

text_enum! {
    /// Why a request was rejected.
    pub enum RejectionReason {
        /// The request has no `X-Twilio-Signature`.
        Unsigned = "unsigned",
        /// The signature does not match the saved Auth Token, the public URL and the parameters.
        WrongSignature = "wrong_signature",
        /// The signature is valid for another URL than the public one: Twilio calls that URL, or a
        /// proxy rewrites it.
        WrongAddress = "wrong_address",
        /// The URL has no secret, and no Auth Token is saved to check a signature with.
        NoSecret = "no_secret",
        /// The secret in the URL is not, or no longer, the connection's.
        WrongSecret = "wrong_secret",
        /// The request names another account than the connection's.
        OtherAccount = "other_account",
        /// No connection has the id in the URL.
        UnknownConnection = "unknown_connection",
        /// The saved Auth Token cannot be unsealed to check the signature.
        TokenUnreadable = "token_unreadable",
        /// The body is not what Twilio sends.
        Malformed = "malformed",
    }
}

/// A rejection to store.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = rejected_webhooks)]
pub struct Rejection {
    /// The connection of the URL, if it exists.
    pub connection_id: Option<ConnectionId>,
    /// The hook that was called.
    pub hook: Hook,
    /// Why it was rejected.
    pub reason: RejectionReason,
    /// What was expected, in words; contains neither secrets nor content of the request.
    pub detail: String,
    /// When the request arrived.
    pub received_at: DateTime<Utc>,
}

/// A stored rejection, as listed.
#[derive(Debug, Clone, Queryable, Selectable, Serialize)]
#[diesel(table_name = rejected_webhooks, check_for_backend(Pg))]
pub struct RejectedWebhook {
    /// Increases with time.
    pub id: i64,
    /// The hook that was called.
    pub hook: Hook,
    /// Why it was rejected.
    pub reason: RejectionReason,
    /// What was expected, in words.
    pub detail: String,
    /// When the request arrived.
    pub received_at: DateTime<Utc>,
}

impl RejectionReason {
    /// Explanation and advice for the admin.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unsigned => {
                "The request had no Twilio signature. Twilio signs every webhook, so another \
                 caller may have used this address."
            }
            Self::WrongSignature => {
                "The signature doesn’t match. Most likely the saved Auth Token is no longer the \
                 account’s primary one: replace the keys. A proxy that changes the path or the \
                 body breaks signatures too. Otherwise, another caller used this address."
            }
            Self::WrongAddress => {
                "The Auth Token is right, but the address differs. If Twilio calls the right one, \
                 set CARILLON_PUBLIC_URL to it (same scheme, host and port) and restart. If \
                 CARILLON_PUBLIC_URL is right, repair the sender’s webhook."
            }
            Self::NoSecret => {
                "The address lacks the secret that protects it without an Auth Token. After an \
                 update, repair each sender’s webhook. Carillon looks up earlier reports by itself \
                 and finds incoming texts within minutes. A STOP counts at once in any case."
            }
            Self::WrongSecret => {
                "The secret in the address is wrong or expired. Repair the sender’s webhook. If it \
                 is already correct, another caller used this address."
            }
            Self::OtherAccount => {
                "The request names another Twilio account. Check which number or service calls \
                 this address."
            }
            Self::UnknownConnection => {
                "No connection has this address: it is mistyped or from an older installation. \
                 Repair the sender’s webhook."
            }
            Self::TokenUnreadable => {
                "Carillon encrypted the Auth Token with another CARILLON_SECRET_KEY. Start with \
                 the former key, or replace the connection’s keys."
            }
            Self::Malformed => {
                "The body isn’t what Twilio sends to this address. Check which webhook uses it."
            }
        }
    }
}

/// Stores a rejection. Every [`PRUNE_EVERY`] rejections, deletes all but the newest [`MAX_STORED`]
/// per connection.
pub async fn reject(conn: &mut Conn, rejection: &Rejection) -> Result<()> {
    let insert = diesel::insert_into(rejected_webhooks::table)
        .values(rejection)
        .returning(rejected_webhooks::id);
    let id: i64 = insert.get_result(conn).await?;
    if id % PRUNE_EVERY == 0 {
        prune(conn).await?;
    }
    Ok(())
}

/// The newest rejections, newest first, at most `limit`. With `None`, those whose URL names no
/// known connection.
pub async fn list(
    conn: &mut Conn,
    connection: Option<ConnectionId>,
    limit: i64,
) -> Result<Vec<RejectedWebhook>> {
    let newest = rejections_of(connection)
        .order(rejected_webhooks::id.desc())
        .limit(limit.min(MAX_STORED))
        .select(RejectedWebhook::as_select());
    Ok(newest.load(conn).await?)
}

/// Number of rejections since `since`, at most [`MAX_STORED`]. With `None`, of those whose URL
/// names no known connection.
pub async fn count_since(
    conn: &mut Conn,
    connection: Option<ConnectionId>,
    since: DateTime<Utc>,
) -> Result<i64> {
    let count: i64 = rejections_of(connection)
        .filter(rejected_webhooks::received_at.ge(since))
        .count()
        .get_result(conn)
        .await?;
    Ok(count.min(MAX_STORED))
}

/// Whether there are rejections whose URL names no known connection.
pub async fn any_without_connection(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(rejections_of(None))).get_result(conn).await?)
}

/// The rejections of a connection. Two conditions, because the index supports both but not `IS NOT
/// DISTINCT FROM`.
fn rejections_of(connection: Option<ConnectionId>) -> rejected_webhooks::BoxedQuery<'static, Pg> {
    match connection {
        Some(id) => {
            rejected_webhooks::table.filter(rejected_webhooks::connection_id.eq(id)).into_boxed()
        }
        None => {
            rejected_webhooks::table.filter(rejected_webhooks::connection_id.is_null()).into_boxed()
        }
    }
}

/// Deletes all but the newest rejections of each connection, and of those without one. A full scan
/// is cheap because the table stays small.
async fn prune(conn: &mut Conn) -> Result<()> {
    let old = "DELETE FROM rejected_webhooks USING (\
                   SELECT id, row_number() OVER (PARTITION BY connection_id ORDER BY id DESC) AS place FROM rejected_webhooks\
               ) AS numbered WHERE numbered.id = rejected_webhooks.id AND numbered.place > $1";
    diesel::sql_query(old).bind::<diesel::sql_types::BigInt, _>(MAX_STORED).execute(conn).await?;
    Ok(())
}
