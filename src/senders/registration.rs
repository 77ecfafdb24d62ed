//! Registrations that US carriers require before a sender may text recipients in the United States,
//! and their status at Twilio. HTTP only, no database.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::service_pools::ServicePools;
use crate::connections::Check;
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::registrations::{Campaign, CampaignStatus, Verification, VerificationStatus};
use crate::twilio::services::{ServiceNumber, TwilioService};
use crate::twilio::sid::NumberSid;
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::phone::PhoneNumber;
use crate::types::text_enum::text_enum;

/// A required registration and its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The number in international format, or the name of a Messaging Service.
    pub subject: String,
    /// Kind of registration.
    pub scheme: Scheme,
    /// Status of the registration.
    pub state: RegistrationState,
    /// Why it was rejected or is unknown, in a sentence.
    pub reason: Option<String>,
}

text_enum! {
    /// Kind of registration.
    pub enum Scheme {
        /// An A2P campaign, which declares what ten-digit long codes are used for.
        A2pCampaign = "a2p_campaign",
        /// The verification of a toll-free number.
        TollFreeVerification = "toll_free_verification",
    }
}

text_enum! {
    /// Status of a registration.
    pub enum RegistrationState {
        /// Approved.
        Registered = "registered",
        /// Under review.
        InReview = "in_review",
        /// Rejected.
        Rejected = "rejected",
        /// Not submitted.
        Missing = "missing",
        /// Twilio did not report a known status.
        Unknown = "unknown",
    }
}

/// Maximum number of toll-free numbers to check per pool, which can have hundreds.
const MAX_NUMBERS: usize = 20;

/// Number of verifications read concurrently.
const MAX_CONCURRENT: usize = 4;

/// The registrations that a number requires.
pub(super) async fn of_number(
    client: &Client,
    credentials: &Credentials,
    number: &TwilioNumber,
    pools: &ServicePools,
) -> Vec<Registration> {
    let phone = &number.phone_number;
    if phone.is_toll_free() {
        return vec![toll_free_verification(
            phone,
            &number.sid,
            &client.verifications(credentials, Some(&number.sid)).await,
        )];
    }
    if !phone.is_ten_digit_long_code() {
        return Vec::new();
    }
    vec![match pools.of(phone) {
        Some(pool) => a2p_campaign(
            phone.international(),
            &client.campaigns(credentials, &pool.service.sid).await,
        ),
        None => Registration::without_service(phone.international(), pools),
    }]
}

/// The registrations that the numbers of a Messaging Service require.
pub(super) async fn of_service(
    client: &Client,
    credentials: &Credentials,
    service: &TwilioService,
    pool: &[ServiceNumber],
) -> Vec<Registration> {
    let mut found = Vec::new();
    if pool.iter().any(|number| number.phone_number.is_ten_digit_long_code()) {
        found.push(a2p_campaign(
            service.friendly_name.clone(),
            &client.campaigns(credentials, &service.sid).await,
        ));
    }
    let toll_free =
        pool.iter().filter(|number| number.phone_number.is_toll_free()).take(MAX_NUMBERS);
    let requests: Vec<BoxFuture<'_, Registration>> =
        toll_free.map(|number| of_toll_free(client, credentials, number).boxed()).collect();
    found.extend(stream::iter(requests).buffered(MAX_CONCURRENT).collect::<Vec<_>>().await);
    found
}

async fn of_toll_free(
    client: &Client,
    credentials: &Credentials,
    number: &ServiceNumber,
) -> Registration {
    toll_free_verification(
        &number.phone_number,
        &number.sid,
        &client.verifications(credentials, Some(&number.sid)).await,
    )
}

/// The A2P registration of a service's long codes, derived from its campaigns.
pub(super) fn a2p_campaign(
    subject: String,
    campaigns: &Result<Vec<Campaign>, TwilioError>,
) -> Registration {
    let scheme = Scheme::A2pCampaign;
    let campaigns = match campaigns {
        Ok(campaigns) => campaigns,
        Err(error) => {
            return Registration {
                subject,
                scheme,
                state: RegistrationState::Unknown,
                reason: Some(unknown_reason(error)),
            };
        }
    };
    let with = |status| campaigns.iter().find(|campaign| campaign.campaign_status == status);
    let (state, reason) = if with(CampaignStatus::Verified).is_some() {
        (RegistrationState::Registered, None)
    } else if with(CampaignStatus::InProgress).or(with(CampaignStatus::Pending)).is_some() {
        (RegistrationState::InReview, None)
    } else if with(CampaignStatus::Suspended).is_some() {
        (RegistrationState::Rejected, Some("Twilio has suspended the campaign.".to_owned()))
    } else if let Some(failed) = with(CampaignStatus::Failed) {
        (
            RegistrationState::Rejected,
            Some(failed.errors.join(" ")).filter(|reason| !reason.is_empty()),
        )
    } else if campaigns.is_empty() {
        return Registration::missing_campaign(subject, "The Messaging Service has no campaign.");
    } else {
        (
            RegistrationState::Unknown,
            Some("Twilio gives its campaign a status that Carillon doesn’t know.".to_owned()),
        )
    };
    Registration { subject, scheme, state, reason }
}

/// The registration of a toll-free number, derived from `listed`; the number's newest verification
/// counts.
pub(super) fn toll_free_verification(
    number: &PhoneNumber,
    sid: &NumberSid,
    listed: &Result<Vec<Verification>, TwilioError>,
) -> Registration {
    let is_of_number = |found: &&Verification| {
        found.tollfree_phone_number_sid.as_deref().is_none_or(|about| about == sid.as_str())
    };
    let (state, reason) = match listed.as_ref().map(|found| found.iter().find(is_of_number)) {
        Err(error) => (RegistrationState::Unknown, Some(unknown_reason(error))),
        Ok(None) => (RegistrationState::Missing, None),
        Ok(Some(found)) => match found.status {
            VerificationStatus::TwilioApproved => (RegistrationState::Registered, None),
            VerificationStatus::PendingReview | VerificationStatus::InReview => {
                (RegistrationState::InReview, None)
            }
            VerificationStatus::TwilioRejected => {
                (RegistrationState::Rejected, found.rejection_reason.clone())
            }
            VerificationStatus::Unknown => (
                RegistrationState::Unknown,
                Some("Twilio gives it a status that Carillon doesn’t know.".to_owned()),
            ),
        },
    };
    Registration {
        subject: number.international(),
        scheme: Scheme::TollFreeVerification,
        state,
        reason,
    }
}

/// Why the status of a registration could not be read.
fn unknown_reason(error: &TwilioError) -> String {
    match error {
        TwilioError::Keys { .. } | TwilioError::Refused { .. } => {
            "The saved keys may not read it.".to_owned()
        }
        TwilioError::NotFound { .. } => "Twilio doesn’t offer it to this account.".to_owned(),
        _ => "Twilio didn’t answer this question.".to_owned(),
    }
}

impl Registration {
    /// The registration of a ten-digit long code that is in none of these services.
    pub(super) fn without_service(subject: String, pools: &ServicePools) -> Self {
        if pools.left_out == 0 {
            return Self::missing_campaign(
                subject,
                "No Messaging Service has the number, so no campaign covers it.",
            );
        }
        let reason = "The account has more Messaging Services than Carillon looks into.".to_owned();
        Self {
            subject,
            scheme: Scheme::A2pCampaign,
            state: RegistrationState::Unknown,
            reason: Some(reason),
        }
    }

    fn missing_campaign(subject: String, why: &str) -> Self {
        Self {
            subject,
            scheme: Scheme::A2pCampaign,
            state: RegistrationState::Missing,
            reason: Some(why.to_owned()),
        }
    }

    /// A warning for users who are about to send, in a sentence; `None` if registered or under
    /// review.
    #[must_use]
    pub fn concern(&self) -> Option<String> {
        let subject = &self.subject;
        match (self.state, self.scheme) {
            (RegistrationState::Missing, Scheme::A2pCampaign) => Some(format!(
                "{subject} has no A2P campaign: carriers filter its messages to the United States, \
                 and may block them."
            )),
            (RegistrationState::Rejected, Scheme::A2pCampaign) => Some(format!(
                "The A2P campaign of {subject} was rejected: carriers may block its messages to \
                 the United States."
            )),
            (RegistrationState::Missing, Scheme::TollFreeVerification) => {
                Some(format!("{subject} isn’t verified: carriers block its messages."))
            }
            (RegistrationState::Rejected, Scheme::TollFreeVerification) => Some(format!(
                "The verification of {subject} was rejected: carriers block its messages."
            )),
            (
                RegistrationState::Registered
                | RegistrationState::InReview
                | RegistrationState::Unknown,
                _,
            ) => None,
        }
    }

    /// The check that *Check now* shows.
    #[must_use]
    pub fn check(&self) -> Check {
        let title = match self.scheme {
            Scheme::A2pCampaign => format!("A2P campaign of {}", self.subject),
            Scheme::TollFreeVerification => format!("Toll-free verification of {}", self.subject),
        };
        let with_reason = |text: &str| match &self.reason {
            Some(reason) => format!("{reason} {text}"),
            None => text.to_owned(),
        };
        let check = match (self.state, self.scheme) {
            (RegistrationState::Registered, Scheme::A2pCampaign) => {
                Check::passed(title, "Registered with carriers in the United States.")
            }
            (RegistrationState::Registered, Scheme::TollFreeVerification) => {
                Check::passed(title, "The number is verified.")
            }
            (RegistrationState::InReview, _) => Check::warning(
                title,
                "In review. Until approval, carriers hold back or drop messages to the United \
                 States and Canada.",
                "Wait for Twilio’s email before you send to many people.",
            ),
            (RegistrationState::Rejected, _) => Check::warning(
                title,
                with_reason(
                    "Rejected: carriers filter messages to the United States and Canada, and may \
                     block them.",
                ),
                format!(
                    "Fix what Twilio names, then submit it again. {}",
                    self.scheme.where_to_act()
                ),
            ),
            (RegistrationState::Missing, Scheme::A2pCampaign) => Check::warning(
                title,
                with_reason(
                    "Texts from a ten-digit number (10DLC) to the United States need a registered \
                     campaign. Carriers filter other messages, charge more and may block them.",
                ),
                self.scheme.where_to_act(),
            ),
            (RegistrationState::Missing, Scheme::TollFreeVerification) => Check::warning(
                title,
                "The toll-free number isn’t verified: carriers block its messages to the United \
                 States and Canada.",
                self.scheme.where_to_act(),
            ),
            (RegistrationState::Unknown, _) => Check::warning(
                title,
                with_reason("Couldn’t read the registration."),
                "Check it in Twilio’s console if you text people in the United States or Canada.",
            ),
        };
        if self.concern().is_some() { check.with_link(self.scheme.page()) } else { check }
    }
}

impl Scheme {
    /// Twilio's documentation page.
    #[must_use]
    pub const fn page(self) -> &'static str {
        match self {
            Self::A2pCampaign => "https://www.twilio.com/docs/messaging/compliance/a2p-10dlc",
            Self::TollFreeVerification => {
                "https://www.twilio.com/docs/messaging/compliance/toll-free/console-onboarding"
            }
        }
    }

    const fn where_to_act(self) -> &'static str {
        match self {
            Self::A2pCampaign => {
                "In Twilio’s console, under “Regulatory Compliance”, register your brand and a \
                 campaign. Then add the number to the campaign’s Messaging Service."
            }
            Self::TollFreeVerification => {
                "In Twilio’s console, open the number under “Active numbers”, and submit its \
                 toll-free verification."
            }
        }
    }
}
