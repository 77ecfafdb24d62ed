//! The number to which a user sends test messages, stored for the next time.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::users;
use crate::error::Result;
use crate::types::id::UserId;
use crate::types::phone::PhoneNumber;

/// The number of the user's last test message.
pub async fn find(conn: &mut Conn, user: UserId) -> Result<Option<PhoneNumber>> {
    let found: Option<Option<PhoneNumber>> =
        users::table.find(user).select(users::test_phone).first(conn).await.optional()?;
    Ok(found.flatten())
}

/// Stores the number for the user's next test message.
pub async fn remember(conn: &mut Conn, user: UserId, phone: &PhoneNumber) -> Result<()> {
    diesel::update(users::table.find(user)).set(users::test_phone.eq(phone)).execute(conn).await?;
    Ok(())
}
