//! Twilio's error responses: a code, its HTTP status and its message.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

/// An error response that refuses a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) message: String,
}

impl Refusal {
    /// A refusal with Twilio's message for the code.
    pub(super) fn new(code: u32) -> Self {
        Self { code, message: meaning(code).to_owned() }
    }

    /// A refusal with a specific message.
    pub(super) fn with(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The refusal of a path that does not exist.
    pub(super) fn not_found(path: &str) -> Self {
        Self::with(20404, format!("The requested resource {path} was not found"))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        http_status(self.code)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header(("WWW-Authenticate", r#"Basic realm="Twilio API""#));
        }
        response.json(self.json())
    }
}

impl Refusal {
    fn json(&self) -> Value {
        json!({
            "code": self.code,
            "message": self.message,
            "more_info": format!("https://www.twilio.com/docs/errors/{}", self.code),
            "status": self.status_code().as_u16(),
        })
    }
}

/// The HTTP status of a code.
fn http_status(code: u32) -> StatusCode {
    match code {
        20003 | 20005 => StatusCode::UNAUTHORIZED,
        20006 | 20008 => StatusCode::FORBIDDEN,
        20404 | 21701 => StatusCode::NOT_FOUND,
        20429 | 21611 => StatusCode::TOO_MANY_REQUESTS,
        20500 => StatusCode::INTERNAL_SERVER_ERROR,
        20503 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Twilio's message for a code.
pub(super) fn meaning(code: u32) -> &'static str {
    match code {
        20001 => "Invalid parameter value",
        20003 => "Authenticate",
        20005 => "Account not active",
        20008 => "Resource not accessible with Test Account Credentials",
        20429 => "Too many requests",
        20500 => "An internal server error has occurred",
        21211 => "Invalid 'To' Phone Number",
        21212 => "Invalid 'From' Phone Number",
        21266 => "'To' and 'From' number cannot be the same",
        21408 => {
            "Permission to send an SMS has not been enabled for the region indicated by the 'To' \
             number"
        }
        21602 => "Message body is required.",
        21603 => "A 'From' phone number is required.",
        21604 => "A 'To' phone number is required.",
        21606 => {
            "The 'From' phone number provided is not a valid message-capable Twilio phone number \
             for this destination"
        }
        21608 => {
            "The number is unverified. Trial accounts cannot send messages to unverified numbers; \
             verify it at twilio.com/user/account/phone-numbers/verified, or purchase a Twilio \
             number to send messages to unverified numbers"
        }
        21609 => "Invalid 'StatusCallback' URL",
        21610 => "Attempt to send to unsubscribed recipient",
        21611 => "This 'From' number has exceeded the maximum number of queued messages",
        21612 => {
            "The 'To' phone number is not currently reachable using the 'From' phone number via SMS"
        }
        21614 => "'To' number is not a valid mobile number",
        21617 => "The concatenated message body exceeds the 1600 character limit",
        21620 => "Invalid media URL(s)",
        21621 => "The 'From' number is not enabled for MMS",
        21623 => "Number of media files exceeds allowed limit",
        21624 => "ValidityPeriod is out of range",
        21659 => "'From' is not a Twilio phone number or Short Code country mismatch",
        21660 => "Mismatch between the 'From' number and the account",
        21701 => "The Messaging Service does not exist",
        21704 => "The Messaging Service contains no phone numbers",
        21910 => "Invalid 'From' and 'To' pair. 'From' and 'To' should be of the same channel",
        30003 => "Unreachable destination handset",
        30004 => "Message blocked",
        30005 => "Unknown destination handset",
        30006 => "Landline or unreachable carrier",
        30007 => "Message filtered",
        30008 => "Unknown error",
        30034 => "US A2P 10DLC - Message from an Unregistered Number",
        30409 => "Message cannot be canceled: it is not scheduled",
        35111 => "The 'SendAt' parameter is missing",
        35114 => "The 'SendAt' time must be between 15 minutes and 35 days in the future",
        35118 => "MessagingServiceSid is required to schedule a message",
        63007 => "Twilio could not find a Channel with the specified 'From' address",
        63016 => "Failed to send freeform message because you are outside the allowed window",
        _ => "The request could not be completed",
    }
}
