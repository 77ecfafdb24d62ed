//! Registrations that US carriers require: A2P campaigns of Messaging Services, and verifications
//! of toll-free numbers.

use serde::Deserialize;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::json;
use super::numbers::MAX_LISTED;
use super::request_error::TwilioError;
use super::sid::{NumberSid, ServiceSid};

/// An A2P 10DLC campaign of a Messaging Service, which declares what its long codes are used for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Campaign {
    /// Status of its registration.
    #[serde(default)]
    pub campaign_status: CampaignStatus,
    /// Why it was rejected.
    #[serde(default, deserialize_with = "errors")]
    pub errors: Vec<String>,
}

/// Registration status of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CampaignStatus {
    /// Waiting for review.
    Pending,
    /// Under review.
    InProgress,
    /// May send.
    Verified,
    /// Rejected.
    Failed,
    /// May no longer send.
    Suspended,
    /// A value that Carillon does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// The verification of a toll-free number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Verification {
    /// SID of the number (`PN…`).
    #[serde(default, deserialize_with = "json::text")]
    pub tollfree_phone_number_sid: Option<String>,
    /// Status of the verification.
    #[serde(default)]
    pub status: VerificationStatus,
    /// Twilio's reason for rejecting it.
    #[serde(default, deserialize_with = "json::text")]
    pub rejection_reason: Option<String>,
}

/// Verification status of a toll-free number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VerificationStatus {
    /// Waiting for review.
    PendingReview,
    /// Under review.
    InReview,
    /// The number may send.
    TwilioApproved,
    /// The number may not send.
    TwilioRejected,
    /// A value that Carillon does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Client {
    /// Lists the A2P campaigns of a Messaging Service: usually one or none.
    pub async fn campaigns(
        &self,
        credentials: &Credentials,
        service: &ServiceSid,
    ) -> Result<Vec<Campaign>, TwilioError> {
        let url = self.url(Api::Messaging, &format!("/v1/Services/{service}/Compliance/Usa2p"));
        self.list(credentials, Api::Messaging, url, "compliance", 50).await
    }

    /// Lists the verifications of a toll-free number, or of all numbers, newest first: usually one
    /// or none per number.
    pub async fn verifications(
        &self,
        credentials: &Credentials,
        number: Option<&NumberSid>,
    ) -> Result<Vec<Verification>, TwilioError> {
        let mut url = self.url(Api::Messaging, "/v1/Tollfree/Verifications");
        url.query_pairs_mut().append_pair("PageSize", "100");
        if let Some(number) = number {
            url.query_pairs_mut().append_pair("TollfreePhoneNumberSid", number.as_str());
        }
        self.list(credentials, Api::Messaging, url, "verifications", MAX_LISTED).await
    }
}

/// Parses `[{"description": …}]`, ignoring other fields.
fn errors<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let described = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|error| error.get("description").and_then(|text| text.as_str()));
    Ok(described.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_campaign_says_why() {
        let json = r#"{"sid": "QE1", "campaign_status": "FAILED", "errors": [{"error_code": 30897, "description": "The website is down."}, 7]}"#;
        let campaign: Campaign = serde_json::from_str(json).unwrap();
        assert_eq!(
            campaign,
            Campaign {
                campaign_status: CampaignStatus::Failed,
                errors: vec!["The website is down.".to_owned()]
            }
        );
        let new: Campaign =
            serde_json::from_str(r#"{"campaign_status": "SOMETHING_NEW", "errors": null}"#)
                .unwrap();
        assert_eq!(new, Campaign { campaign_status: CampaignStatus::Unknown, errors: Vec::new() });
    }

    #[test]
    fn a_verification_is_read_with_and_without_a_reason() {
        let json = r#"{"status": "TWILIO_REJECTED", "rejection_reason": "No opt-in shown"}"#;
        let rejected: Verification = serde_json::from_str(json).unwrap();
        assert_eq!(
            (rejected.status, rejected.rejection_reason.as_deref()),
            (VerificationStatus::TwilioRejected, Some("No opt-in shown"))
        );
        let pending: Verification =
            serde_json::from_str(r#"{"status": "PENDING_REVIEW", "rejection_reason": null}"#)
                .unwrap();
        assert_eq!(
            (pending.status, pending.rejection_reason),
            (VerificationStatus::PendingReview, None)
        );
    }
}
