//! What an account offers to send from: its numbers and Messaging Services, with what each can do and where it stands. HTTP only, no database.

use std::collections::HashMap;

use futures::{StreamExt, stream, try_join};
use serde::Serialize;

use super::inbound;
use super::registration::{self, Registration};
use crate::connections::{Problem, SenderAddress};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::registrations::{Campaign, Verification};
use crate::twilio::services::{ServiceNumber, TwilioService};
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, Credentials, TwilioError};

/// Something that messages could be sent from.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    /// Its address.
    pub address: SenderAddress,
    /// The address as people read it.
    pub shown: String,
    /// Its name in Twilio; empty where that is the address itself.
    pub name: String,
    /// Twilio's word for the kind of number, such as `local` or `toll-free`; none for a Messaging Service.
    pub number_type: Option<String>,
    /// Whether it sends SMS.
    pub sms: bool,
    /// Whether it sends MMS.
    pub mms: bool,
    /// Whether it takes calls.
    pub voice: bool,
    /// The numbers of a Messaging Service, as people read them.
    pub pool: Vec<String>,
    /// The Messaging Service that has the number in its pool.
    pub in_service: Option<String>,
    /// The host that its incoming messages are reported to now.
    pub reports_to: Option<String>,
    /// What has to be registered, as far as it was asked.
    pub registrations: Vec<Registration>,
    /// Why it cannot be a sender, in a sentence.
    pub unfit: Option<&'static str>,
}

/// An account can have hundreds of services; the pools and campaigns of so many are read.
const MOST_SERVICES: usize = 25;

const AT_ONCE: usize = 4;

/// A Messaging Service with what is in it.
struct Pool {
    service: TwilioService,
    numbers: Vec<ServiceNumber>,
    campaigns: Result<Vec<Campaign>, TwilioError>,
}

/// Lists what the account has: services first, then numbers; those that cannot send SMS say so.
pub async fn offers(client: &Client, credentials: &Credentials) -> Result<Vec<Offer>, Problem> {
    let read = async || {
        let (numbers, services) = try_join!(client.list_numbers(credentials), services(client, credentials))?;
        let pool = |service: TwilioService| Pool::read(client, credentials, service);
        let pools = stream::iter(services.into_iter().take(MOST_SERVICES)).map(pool).buffered(AT_ONCE);
        let pools: Vec<Result<Pool, TwilioError>> = pools.collect().await;
        let pools = pools.into_iter().collect::<Result<Vec<_>, _>>()?;
        let has_toll_free = numbers.iter().any(|number| number.phone_number.is_toll_free());
        let verifications = if has_toll_free { client.verifications(credentials, None).await } else { Ok(Vec::new()) };
        Ok((numbers, pools, verifications))
    };
    let (numbers, pools, verifications) = read().await.map_err(|error| Problem::of(error, credentials))?;
    let by_number: HashMap<&str, &Pool> =
        pools.iter().flat_map(|pool| pool.numbers.iter().map(move |number| (number.phone_number.as_str(), pool))).collect();
    let of_number = |number: &TwilioNumber| {
        let pool = by_number.get(number.phone_number.as_str()).copied();
        Offer { registrations: registrations(number, pool, &verifications), ..Offer::of_number(number, pool) }
    };
    Ok(pools.iter().map(Offer::of_service).chain(numbers.iter().map(of_number)).collect())
}

fn registrations(number: &TwilioNumber, pool: Option<&Pool>, verifications: &Result<Vec<Verification>, TwilioError>) -> Vec<Registration> {
    let phone = &number.phone_number;
    if phone.is_toll_free() {
        return vec![registration::verified(phone, &number.sid, verifications)];
    }
    if !phone.is_ten_digit_long_code() {
        return Vec::new();
    }
    vec![match pool {
        Some(pool) => registration::covered(phone.international(), &pool.campaigns),
        None => Registration::without_service(phone.international()),
    }]
}

async fn services(client: &Client, credentials: &Credentials) -> Result<Vec<TwilioService>, TwilioError> {
    match client.list_services(credentials).await {
        // An API without Messaging Services, such as a double of Twilio's.
        Err(TwilioError::NotFound { .. }) => Ok(Vec::new()),
        services => services,
    }
}

impl Pool {
    async fn read(client: &Client, credentials: &Credentials, service: TwilioService) -> Result<Self, TwilioError> {
        let sid: &ServiceSid = &service.sid;
        let numbers = client.service_numbers(credentials, sid).await?;
        let needs_campaign = numbers.iter().any(|number| number.phone_number.is_ten_digit_long_code());
        let campaigns = if needs_campaign { client.campaigns(credentials, sid).await } else { Ok(Vec::new()) };
        Ok(Self { service, numbers, campaigns })
    }

    fn can(&self, ability: impl Fn(&ServiceNumber) -> bool) -> bool {
        self.numbers.iter().any(ability)
    }
}

impl Offer {
    fn of_service(pool: &Pool) -> Self {
        let service = &pool.service;
        let address = SenderAddress::MessagingService(service.sid.clone());
        let needs_campaign = pool.can(|number| number.phone_number.is_ten_digit_long_code());
        let campaign = needs_campaign.then(|| registration::covered(service.friendly_name.clone(), &pool.campaigns));
        Self {
            shown: address.for_people(),
            address,
            name: service.friendly_name.clone(),
            number_type: None,
            // Short codes and alphanumeric sender IDs are listed apart; whether there are any is looked at when it is chosen.
            sms: pool.numbers.is_empty() || pool.can(|number| number.capabilities.sms),
            mms: pool.can(|number| number.capabilities.mms),
            voice: false,
            pool: pool.numbers.iter().map(|number| number.phone_number.international()).collect(),
            in_service: None,
            reports_to: service.inbound_request_url.as_deref().map(inbound::host_of),
            registrations: campaign.into_iter().collect(),
            unfit: None,
        }
    }

    fn of_number(number: &TwilioNumber, pool: Option<&Pool>) -> Self {
        let phone = &number.phone_number;
        let shown = phone.international();
        let name = number.friendly_name.clone().unwrap_or_default();
        let is_own_name = name.chars().filter(char::is_ascii_digit).eq(shown.chars().filter(char::is_ascii_digit));
        Self {
            address: SenderAddress::PhoneNumber(phone.clone()),
            name: if is_own_name { String::new() } else { name },
            number_type: number.kind.clone(),
            sms: number.capabilities.sms,
            mms: number.capabilities.mms,
            voice: number.capabilities.voice,
            pool: Vec::new(),
            in_service: pool.map(|pool| pool.service.friendly_name.clone()),
            reports_to: number.sms_url.as_deref().map(inbound::host_of),
            registrations: Vec::new(),
            unfit: (!number.capabilities.sms).then_some("It cannot send SMS."),
            shown,
        }
    }
}
