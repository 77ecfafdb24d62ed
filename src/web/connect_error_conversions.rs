//! Conversions of the Connection Center's errors into errors of pages and of the API.

use actix_web::http::StatusCode;

use super::api::ApiError;
use super::http::error::PageError;
use crate::connection_center::ConnectError;
use crate::error::FieldErrors;

impl From<ConnectError> for PageError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Problem(problem) => Self::Refused(problem.message()),
            ConnectError::Existing(existing) => Self::Refused(existing.message),
            ConnectError::Slice(error) => error.into(),
            ConnectError::Unavailable(error) => error.into(),
        }
    }
}

impl From<ConnectError> for ApiError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Problem(problem) => {
                let fields = problem
                    .field()
                    .map(|field| FieldErrors::default().with(field, problem.message()));
                let answer =
                    Self::new(StatusCode::UNPROCESSABLE_ENTITY, problem.code(), problem.message());
                answer.with_fields(fields.unwrap_or_default())
            }
            ConnectError::Existing(existing) => {
                let message = format!("{} See {}.", existing.message, existing.url);
                let answer = Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "already_connected",
                    message.clone(),
                );
                answer.with_fields(FieldErrors::default().with(existing.field, message))
            }
            ConnectError::Slice(error) => error.into(),
            ConnectError::Unavailable(error) => error.into(),
        }
    }
}
