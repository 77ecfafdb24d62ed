//! Signed-in browsers: the cookie holds a token, the table its hash.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::User;
use crate::db::Conn;
use crate::db::schema::{sessions, users};
use crate::error::{Error, Result};
use crate::types::id::{SessionId, UserId};
use crate::types::token::RandomToken;

/// How long a session lasts, even if it is in use.
pub const LIFETIME: TimeDelta = TimeDelta::days(30);
/// How long a session lasts without a page view.
pub const IDLE: TimeDelta = TimeDelta::days(7);
/// The shortest interval between two writes of `seen_at`, so that not every page view writes to the
/// database.
const SEEN_INTERVAL: TimeDelta = TimeDelta::minutes(1);

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct Row<'a> {
    token_hash: Vec<u8>,
    id: SessionId,
    user_id: UserId,
    created_at: DateTime<Utc>,
    seen_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    browser: &'a str,
}

/// A browser in which a user is signed in.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// Identifier.
    pub id: SessionId,
    /// Browser and system in words.
    pub browser: String,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When they last viewed a page, to the minute.
    pub seen_at: DateTime<Utc>,
    /// Whether it is the browser of the current request.
    pub here: bool,
}

/// Signs a user in with `browser` (its description); returns the token for the cookie.
pub async fn start(
    conn: &mut Conn,
    user: UserId,
    browser: &str,
    now: DateTime<Utc>,
) -> Result<RandomToken> {
    let token = RandomToken::generate();
    let (token_hash, id) = (token.hash().to_vec(), SessionId::new());
    diesel::insert_into(sessions::table)
        .values(Row {
            token_hash,
            id,
            user_id: user,
            created_at: now,
            seen_at: now,
            expires_at: now + LIFETIME,
            browser,
        })
        .execute(conn)
        .await?;
    diesel::update(users::table.find(user)).set(users::seen_at.eq(now)).execute(conn).await?;
    Ok(token)
}

/// Deletes sessions that have expired.
pub async fn forget_ended(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(
        sessions::table.filter(sessions::expires_at.le(now).or(sessions::seen_at.le(now - IDLE))),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The sessions that have expired, up to `limit`.
pub async fn ended(conn: &mut Conn, now: DateTime<Utc>, limit: i64) -> Result<Vec<SessionId>> {
    let ended =
        sessions::table.filter(sessions::expires_at.le(now).or(sessions::seen_at.le(now - IDLE)));
    Ok(ended.order(sessions::id).limit(limit).select(sessions::id).load(conn).await?)
}

/// Deletes one session.
pub async fn forget(conn: &mut Conn, id: SessionId) -> Result<()> {
    diesel::delete(sessions::table.filter(sessions::id.eq(id))).execute(conn).await?;
    Ok(())
}

/// The user who is signed in with this token; `None` if the session has ended or the user is
/// disabled.
pub async fn find(
    conn: &mut Conn,
    token: &RandomToken,
    now: DateTime<Utc>,
) -> Result<Option<User>> {
    let hash = token.hash().to_vec();
    let found: Option<(User, DateTime<Utc>)> = sessions::table
        .inner_join(users::table)
        .filter(sessions::token_hash.eq(&hash))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::seen_at.gt(now - IDLE))
        .filter(users::disabled_at.is_null())
        .select((User::as_select(), sessions::seen_at))
        .first(conn)
        .await
        .optional()?;
    let Some((user, seen_at)) = found else { return Ok(None) };
    if now - seen_at >= SEEN_INTERVAL {
        diesel::update(sessions::table.find(hash))
            .set(sessions::seen_at.eq(now))
            .execute(conn)
            .await?;
        diesel::update(users::table.find(user.id))
            .set(users::seen_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(Some(user))
}

/// Signs one browser out.
pub async fn end(conn: &mut Conn, token: &RandomToken) -> Result<()> {
    diesel::delete(sessions::table.find(token.hash().to_vec())).execute(conn).await?;
    Ok(())
}

/// Signs a user out everywhere, except in the session of `except`; returns the number of sessions
/// that ended.
pub async fn end_all(conn: &mut Conn, user: UserId, except: Option<&RandomToken>) -> Result<usize> {
    let except = except.map_or_else(Vec::new, |token| token.hash().to_vec());
    let ended = diesel::delete(
        sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::token_hash.ne(except)),
    )
    .execute(conn)
    .await?;
    Ok(ended)
}

/// Signs a user out of one of their browsers; another user's session is not found.
pub async fn end_one(conn: &mut Conn, user: UserId, id: SessionId) -> Result<()> {
    let ended = diesel::delete(
        sessions::table.filter(sessions::id.eq(id)).filter(sessions::user_id.eq(user)),
    )
    .execute(conn)
    .await?;
    if ended == 0 { Err(Error::NotFound("session")) } else { Ok(()) }
}

/// The browsers in which a user is signed in: that of `here` first, then the most recently used
/// ones.
pub async fn list(
    conn: &mut Conn,
    user: UserId,
    here: Option<&RandomToken>,
    now: DateTime<Utc>,
) -> Result<Vec<Session>> {
    type Found = (SessionId, Vec<u8>, String, DateTime<Utc>, DateTime<Utc>);
    let here = here.map_or_else(Vec::new, |token| token.hash().to_vec());
    let found: Vec<Found> = sessions::table
        .filter(sessions::user_id.eq(user))
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::seen_at.gt(now - IDLE))
        .order((sessions::seen_at.desc(), sessions::id.desc()))
        .select((
            sessions::id,
            sessions::token_hash,
            sessions::browser,
            sessions::created_at,
            sessions::seen_at,
        ))
        .limit(200)
        .load(conn)
        .await?;
    let session = |(id, hash, browser, created_at, seen_at)| Session {
        id,
        browser,
        created_at,
        seen_at,
        here: hash == here,
    };
    let mut sessions: Vec<Session> = found.into_iter().map(session).collect();
    sessions.sort_by_key(|session| !session.here);
    Ok(sessions)
}
