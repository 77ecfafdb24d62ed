//! Requests to the hooks that failed the check: kept for admins to see why, without their content.

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

/// How many rejected requests are kept for each connection.
pub const KEPT: i64 = 1_000;

/// Older rows are deleted after every so many new ones, so that a flood of forged requests costs
/// one insert each.
const PRUNE_EVERY: i64 = 50;

text_enum! {
    /// The hook that was called.
    pub enum Hook {
        /// A message came in.
        Inbound = "inbound",
        /// A message's status changed.
        Status = "status",
        /// We called ourselves, to test the way.
        Test = "test",
    }
}

text_enum! {
    /// Why a request was rejected.
    pub enum RejectionReason {
        /// It carries no `X-Twilio-Signature`.
        Unsigned = "unsigned",
        /// Its signature is not that of the saved Auth Token over the public URL and the
        /// parameters.
        WrongSignature = "wrong_signature",
        /// The signature is right, for another address than the public URL: what Twilio calls, or
        /// what a proxy makes of it.
        WrongAddress = "wrong_address",
        /// Its address has no secret, and no Auth Token is saved to check a signature with.
        NoSecret = "no_secret",
        /// The secret in its address is not, or no longer, the connection's.
        WrongSecret = "wrong_secret",
        /// It names another account than the connection's.
        OtherAccount = "other_account",
        /// No connection has the id in its URL.
        UnknownConnection = "unknown_connection",
        /// The saved Auth Token cannot be unsealed, so that no signature can be checked.
        TokenUnreadable = "token_unreadable",
        /// Its body is not what Twilio sends.
        Malformed = "malformed",
    }
}

/// A request to be noted as rejected.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = rejected_webhooks)]
pub struct Rejection {
    /// The connection of the URL, if it exists.
    pub connection_id: Option<ConnectionId>,
    /// The hook that was called.
    pub hook: Hook,
    /// Why it was rejected.
    pub reason: RejectionReason,
    /// What was expected, in words; never a secret, never the content of the request.
    pub detail: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

/// A rejected request as it is listed.
#[derive(Debug, Clone, Queryable, Selectable, Serialize)]
#[diesel(table_name = rejected_webhooks, check_for_backend(Pg))]
pub struct RejectedWebhook {
    /// Rises with time.
    pub id: i64,
    /// The hook that was called.
    pub hook: Hook,
    /// Why it was rejected.
    pub reason: RejectionReason,
    /// What was expected, in words.
    pub detail: String,
    /// When it came.
    pub received_at: DateTime<Utc>,
}

impl RejectionReason {
    /// What this means and what to do, for the person who reads the list.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Unsigned => {
                "The request carried no Twilio signature. Twilio signs every webhook: somebody \
                 else may have called this address."
            }
            Self::WrongSignature => {
                "The signature does not match, for any address that this could be. Most likely the \
                 saved Auth Token is not the account's primary \
                 one any more: replace the keys. A proxy that changes the path or the body breaks \
                 signatures as well. If neither is so, \
                 somebody else called."
            }
            Self::WrongAddress => {
                "The Auth Token is right; only the address differs. If Twilio calls the right one, \
                 set CARILLON_PUBLIC_URL to it (scheme, host \
                 and port as Twilio has them) and restart. If CARILLON_PUBLIC_URL is right, repair \
                 the webhook of the sender, so that Twilio \
                 calls it."
            }
            Self::NoSecret => {
                "Without an Auth Token, the secret in the address proves that Twilio calls; this \
                 call had none. After an update, repair the \
                 webhook of each sender, so that Twilio calls the address with the secret. Reports \
                 on messages that were sent before are \
                 looked up by themselves, and incoming texts are found within minutes; a STOP is \
                 taken at once in any case."
            }
            Self::WrongSecret => {
                "The secret in the address is not the connection's, or its time is over. Repair \
                 the webhook of the sender, so that Twilio \
                 calls the present address. If that is so already, somebody else called."
            }
            Self::OtherAccount => {
                "The request names another Twilio account than this connection's. Check which \
                 number or service calls this address."
            }
            Self::UnknownConnection => {
                "No connection has this address: it was mistyped or belongs to an older \
                 installation. Repair the webhook of the sender."
            }
            Self::TokenUnreadable => {
                "The saved Auth Token was sealed with another CARILLON_SECRET_KEY. Start with the \
                 former key, or replace the connection's keys."
            }
            Self::Malformed => {
                "The body is not what Twilio sends for this hook. Check which webhook is set to \
                 this address."
            }
        }
    }
}

/// Notes a rejected request, and now and then deletes all but the newest [`KEPT`] of each
/// connection.
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

/// The newest rejected requests, newest first, at most `limit`: those of a connection, or those
/// that name no known one.
pub async fn list(
    conn: &mut Conn,
    connection: Option<ConnectionId>,
    limit: i64,
) -> Result<Vec<RejectedWebhook>> {
    let newest = of(connection)
        .order(rejected_webhooks::id.desc())
        .limit(limit.min(KEPT))
        .select(RejectedWebhook::as_select());
    Ok(newest.load(conn).await?)
}

/// How many webhooks of a connection, or of no known one, were rejected since `since`, counting at
/// most [`KEPT`].
pub async fn count_since(
    conn: &mut Conn,
    connection: Option<ConnectionId>,
    since: DateTime<Utc>,
) -> Result<i64> {
    let count: i64 = of(connection)
        .filter(rejected_webhooks::received_at.ge(since))
        .count()
        .get_result(conn)
        .await?;
    Ok(count.min(KEPT))
}

/// Whether any of those that name no known connection are kept.
pub async fn has_strays(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(of(None))).get_result(conn).await?)
}

/// Two conditions: the index serves either, but not “is not distinct from”.
fn of(connection: Option<ConnectionId>) -> rejected_webhooks::BoxedQuery<'static, Pg> {
    match connection {
        Some(id) => {
            rejected_webhooks::table.filter(rejected_webhooks::connection_id.eq(id)).into_boxed()
        }
        None => {
            rejected_webhooks::table.filter(rejected_webhooks::connection_id.is_null()).into_boxed()
        }
    }
}

/// Deletes all but the newest of each connection, and of those without one. The table stays small,
/// so reading all of it is cheap.
async fn prune(conn: &mut Conn) -> Result<()> {
    let old = "DELETE FROM rejected_webhooks USING (\
                   SELECT id, row_number() OVER (PARTITION BY connection_id ORDER BY id DESC) AS place FROM rejected_webhooks\
               ) AS numbered WHERE numbered.id = rejected_webhooks.id AND numbered.place > $1";
    diesel::sql_query(old).bind::<diesel::sql_types::BigInt, _>(KEPT).execute(conn).await?;
    Ok(())
}
