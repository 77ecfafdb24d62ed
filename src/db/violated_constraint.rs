//! The name of a violated constraint, so that it can be shown as the error of a form field.

use diesel::result::{DatabaseErrorKind, Error};

/// The constraint or unique index that refused a row; `None` for every other error.
pub fn violated_constraint(error: &Error) -> Option<&str> {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation
            | DatabaseErrorKind::ForeignKeyViolation
            | DatabaseErrorKind::CheckViolation
            | DatabaseErrorKind::ExclusionViolation
            | DatabaseErrorKind::RestrictViolation,
            information,
        ) => information.constraint_name(),
        _ => None,
    }
}
