//! The password of a user who is created from the command line: read from standard input, or
//! generated.

use std::io::{self, IsTerminal};

use secrecy::SecretString;

use crate::app::AppError;
use crate::types::token::RandomToken;

/// Reads a password from the first line of standard input.
pub(super) fn read_password() -> Result<SecretString, AppError> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map_err(|error| {
        AppError::Other(format!("the password cannot be read from standard input: {error}"))
    })?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(AppError::Other(
            "standard input holds no password: pipe it in, as in `printf %s \"$PASSWORD\" | \
             carillon user create …`"
                .to_owned(),
        ));
    }
    Ok(password.into())
}

/// Generates a password of 120 random bits, and the line to print: with a label on a terminal,
/// without one in a pipe.
pub(super) fn generate_password() -> (SecretString, Option<SecretString>) {
    let token = RandomToken::generate();
    let password = &token.expose()[..20];
    let printed = if io::stdout().is_terminal() {
        format!("Password: {password}")
    } else {
        password.to_owned()
    };
    (password.into(), Some(printed.into()))
}
