//! Access control of pages, as a marker in the handler's signature; each marker stands for a role.

use super::error::PageError;
use crate::users::{Role, User};

/// The visitors that a page admits; the markers are [`Anyone`], [`Viewer`], [`Marketer`] and
/// [`Admin`].
pub trait Access: 'static {
    /// The visitor as the handler gets it: a [`User`], or an optional one for [`Anyone`].
    type Who: 'static + Sync;

    /// Admits a visitor, or returns why not.
    fn admit(user: Option<User>) -> Result<Self::Who, PageError>;

    /// The user, for the head of the page.
    fn user(who: &Self::Who) -> Option<&User>;
}

/// Admits every visitor, signed in or not.
#[derive(Debug)]
pub struct Anyone;

/// Declares the markers of roles.
macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident),+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Access for $name {
            type Who = User;

            fn admit(user: Option<User>) -> Result<User, PageError> {
                let user = user.ok_or(PageError::SignIn)?;
                if user.role >= Role::$name {
                    Ok(user)
                } else {
                    Err(PageError::Forbidden(Role::$name))
                }
            }

            fn user(who: &User) -> Option<&User> {
                Some(who)
            }
        }
    )+};
}

roles! {
    /// Admits every user who is signed in.
    Viewer,
    /// Admits marketers and admins.
    Marketer,
    /// Admits admins.
    Admin
}

impl Access for Anyone {
    type Who = Option<User>;

    fn admit(user: Option<User>) -> Result<Option<User>, PageError> {
        Ok(user)
    }

    fn user(who: &Option<User>) -> Option<&User> {
        who.as_ref()
    }
}
