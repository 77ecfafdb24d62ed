//! The candidates of an account, which could become senders, with their capabilities and
//! registrations. HTTP only, no database.

use std::collections::HashMap;

use futures::{StreamExt, stream, try_join};
use serde::Serialize;

use super::inbound_route::InboundRoute;
use super::inbound_webhook::{Drift, InboundWebhook};
use super::registration::{self, Registration};
use super::service_pools::{ServicePool, ServicePools};
use crate::connections::{Problem, SenderAddress};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::registrations::{Campaign, Verification};
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, Credentials, TwilioError};

/// A number or Messaging Service that could become a sender.
#[derive(Debug, Clone, Serialize)]
pub struct SenderCandidate {
    /// Its address.
    pub address: SenderAddress,
    /// The address as shown to users.
    pub shown: String,
    /// Its name in Twilio; empty if the name is the address.
    pub name: String,
    /// Twilio's type of number, such as `local` or `toll-free`; `None` for a Messaging Service.
    pub number_type: Option<String>,
    /// Whether it sends SMS.
    pub sms: bool,
    /// Whether it sends MMS.
    pub mms: bool,
    /// Whether it receives calls.
    pub voice: bool,
    /// The numbers of a Messaging Service in international format.
    pub pool: Vec<String>,
    /// Name of the Messaging Service that has the number in its pool.
    pub in_service: Option<String>,
    /// Where its incoming messages currently go.
    pub webhook: InboundWebhook,
    /// Required registrations, as far as they were read.
    pub registrations: Vec<Registration>,
    /// Why it cannot become a sender, in a sentence.
    pub unfit: Option<&'static str>,
}

/// Number of services read concurrently.
const MAX_CONCURRENT: usize = 4;

/// The campaigns of the services that need one.
type Campaigns = HashMap<ServiceSid, Result<Vec<Campaign>, TwilioError>>;

/// All candidates of an account.
#[derive(Debug)]
pub struct SenderCandidates {
    /// Services first, then numbers, including those that cannot send SMS.
    pub candidates: Vec<SenderCandidate>,
    /// Number of services omitted because of the limit.
    pub left_out: usize,
}

/// Lists the candidates of an account and compares their inbound webhooks with `inbound_url`.
pub async fn candidates(
    client: &Client,
    credentials: &Credentials,
    inbound_url: &str,
) -> Result<SenderCandidates, Problem> {
    let read = async || {
        let (numbers, pools) =
            try_join!(client.list_numbers(credentials), ServicePools::read(client, credentials))?;
        let has_toll_free = numbers.iter().any(|number| number.phone_number.is_toll_free());
        let verifications = if has_toll_free {
            client.verifications(credentials, None).await
        } else {
            Ok(Vec::new())
        };
        Ok((numbers, pools, verifications))
    };
    let (numbers, pools, verifications) =
        read().await.map_err(|error| Problem::of(error, credentials))?;
    let requiring_campaign = pools.pools.iter().filter(|pool| pool.needs_campaign());
    let read_campaigns = async |pool: &ServicePool| {
        (pool.service.sid.clone(), client.campaigns(credentials, &pool.service.sid).await)
    };
    let campaigns: Campaigns = stream::iter(requiring_campaign)
        .map(read_campaigns)
        .buffered(MAX_CONCURRENT)
        .collect()
        .await;
    let of_services =
        pools.pools.iter().map(|pool| SenderCandidate::of_service(pool, &campaigns, inbound_url));
    let of_numbers = numbers.iter().map(|number| {
        let registrations = registrations(number, &pools, &campaigns, &verifications);
        SenderCandidate {
            registrations,
            ..SenderCandidate::of_number(number, pools.of(&number.phone_number), inbound_url)
        }
    });
    Ok(SenderCandidates {
        candidates: of_services.chain(of_numbers).collect(),
        left_out: pools.left_out,
    })
}

fn registrations(
    number: &TwilioNumber,
    pools: &ServicePools,
    campaigns: &Campaigns,
    verifications: &Result<Vec<Verification>, TwilioError>,
) -> Vec<Registration> {
    let phone = &number.phone_number;
    if phone.is_toll_free() {
        return vec![registration::toll_free_verification(phone, &number.sid, verifications)];
    }
    if !phone.is_ten_digit_long_code() {
        return Vec::new();
    }
    match pools.of(phone) {
        Some(pool) => campaigns
            .get(&pool.service.sid)
            .map(|found| registration::a2p_campaign(phone.international(), found))
            .into_iter()
            .collect(),
        None => vec![Registration::without_service(phone.international(), pools)],
    }
}

impl SenderCandidate {
    fn of_service(pool: &ServicePool, campaigns: &Campaigns, inbound_url: &str) -> Self {
        let service = &pool.service;
        let address = SenderAddress::MessagingService(service.sid.clone());
        let campaign = campaigns
            .get(&service.sid)
            .map(|found| registration::a2p_campaign(service.friendly_name.clone(), found));
        Self {
            shown: address.for_people(),
            address,
            name: service.friendly_name.clone(),
            number_type: None,
            // Twilio lists short codes and alphanumeric sender IDs apart; whether there are any is
            // checked when the service is chosen.
            sms: pool.numbers.is_empty() || pool.any(|number| number.capabilities.sms),
            mms: pool.any(|number| number.capabilities.mms),
            voice: false,
            pool: pool.numbers.iter().map(|number| number.phone_number.international()).collect(),
            in_service: None,
            webhook: InboundWebhook::compare(&InboundRoute::Service(service.clone()), inbound_url),
            registrations: campaign.into_iter().collect(),
            unfit: None,
        }
    }

    fn of_number(number: &TwilioNumber, pool: Option<&ServicePool>, inbound_url: &str) -> Self {
        let phone = &number.phone_number;
        let shown = phone.international();
        let name = number.friendly_name.clone().unwrap_or_default();
        let is_named_after_number = name
            .chars()
            .filter(char::is_ascii_digit)
            .eq(shown.chars().filter(char::is_ascii_digit));
        Self {
            address: SenderAddress::PhoneNumber(phone.clone()),
            name: if is_named_after_number { String::new() } else { name },
            number_type: number.kind.clone(),
            sms: number.capabilities.sms,
            mms: number.capabilities.mms,
            voice: number.capabilities.voice,
            pool: Vec::new(),
            in_service: pool.map(|pool| pool.service.friendly_name.clone()),
            webhook: InboundWebhook::compare(
                &InboundRoute::of_number(number.clone(), pool),
                inbound_url,
            ),
            registrations: Vec::new(),
            unfit: (!number.capabilities.sms).then_some("It can’t send SMS."),
            shown,
        }
    }

    /// What adding the sender would change for its incoming messages, in sentences; `None` if no
    /// server or only Carillon receives them.
    #[must_use]
    pub fn effect_on_inbound(&self) -> Option<String> {
        let drift = *self.webhook.drift.first()?;
        let effect = match drift {
            Drift::OtherAddress | Drift::Application => "They would come here instead.",
            Drift::OverriddenByService if self.webhook.address.is_some() => {
                "Carillon doesn’t change that. Choose the Messaging Service instead."
            }
            _ => return None,
        };
        Some(format!("Its incoming messages: {} {effect}", self.webhook.sentence(drift)))
    }
}

impl ServicePool {
    fn needs_campaign(&self) -> bool {
        self.any(|number| number.phone_number.is_ten_digit_long_code())
    }
}
