//! The checks of a request to create a message, in Twilio's order.

use chrono::{DateTime, TimeDelta, Utc};

use super::delivery_plan::{Plan, plan};
use super::form::Form;
use super::message::{Direction, Message, Status, new_sid, without_channel};
use super::parameters::{is_callback_url, parse_to};
use super::parts;
use super::refusal::Refusal;
use super::resources::{Account, AccountKind, Number, NumberKind};
use super::world::World;

/// A message that passed all checks.
pub(super) struct CheckedMessage {
    message: Message,
    storage: Storage,
}

/// Where a message is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Storage {
    /// In the log, to be sent.
    Log,
    /// In the response only: a message of test credentials, never sent.
    ResponseOnly,
}

/// The result of a request to create a message.
pub(super) enum Created {
    /// Recorded at this index of the log; the plan defines its statuses.
    Recorded { index: usize, plan: Plan },
    /// In the response only.
    Unrecorded(Box<Message>),
}

impl CheckedMessage {
    /// Validates a request; the error is the first one that Twilio would report.
    pub(super) fn check(
        world: &World,
        account: &Account,
        form: &Form,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        let to = form.filled("To").ok_or_else(|| Refusal::new(21604))?;
        let from = form.filled("From");
        let service = form.filled("MessagingServiceSid");
        if from.is_none() && service.is_none() {
            return Err(Refusal::new(21603));
        }
        let body = form.get("Body").unwrap_or_default();
        let media: Vec<String> =
            form.all("MediaUrl").filter(|url| !url.is_empty()).map(str::to_owned).collect();
        if body.is_empty() && media.is_empty() && form.filled("ContentSid").is_none() {
            return Err(Refusal::new(21602));
        }
        if body.chars().count() > 1600 {
            return Err(Refusal::new(21617));
        }
        if account.kind == AccountKind::Test {
            return Self::check_magic_numbers(account, from, to, body, now);
        }
        let to = parse_to(to)?;
        check_media(&media)?;
        let status_callback = form.filled("StatusCallback");
        if let Some(url) = status_callback
            && !is_callback_url(url)
        {
            return Err(Refusal::new(21609));
        }
        let validity_period = form.filled("ValidityPeriod").map(parse_validity).transpose()?;
        let send_at = parse_schedule(form, service, now)?;
        if let AccountKind::Trial { verified } = &account.kind
            && !verified.iter().any(|number| number == without_channel(&to))
        {
            return Err(Refusal::new(21608));
        }
        let mut message = new_outbound(account, &to, body, now);
        if let Some(sid) = service {
            let service = world
                .service(sid)
                .filter(|service| service.account_sid == account.sid)
                .ok_or_else(|| Refusal::new(21701))?;
            if let Some(from) = from
                && !service.numbers.iter().any(|number| number == from)
            {
                return Err(Refusal::new(21606));
            }
            if world.choose_sender(service, without_channel(&to)).is_none() {
                return Err(Refusal::new(21704));
            }
            message.from = from.map(Into::into);
            message.service_sid = Some(sid.into());
            message.parts = 0;
            message.status = if send_at.is_some() { Status::Scheduled } else { Status::Accepted };
            message.status_callback =
                status_callback.or(service.status_callback.as_deref()).map(str::to_owned);
        } else {
            let from = from.unwrap_or_default();
            let number = check_sender(world, account, from, &to)?;
            if !media.is_empty() && !number.capabilities.mms {
                return Err(Refusal::new(21621));
            }
            if world.blocks_number(&number.phone_number, without_channel(&to)) {
                return Err(Refusal::new(21610));
            }
            message.from = Some(from.into());
            message.status_callback = status_callback.map(str::to_owned);
        }
        if !media.is_empty() {
            message.sid = new_sid("MM");
            message.media = media;
        }
        message.send_at = send_at;
        message.validity_period = validity_period;
        Ok(Self { message, storage: Storage::Log })
    }

    /// Records the message and plans its delivery.
    pub(super) fn record(self, world: &mut World) -> Created {
        if self.storage == Storage::ResponseOnly {
            return Created::Unrecorded(Box::new(self.message));
        }
        world.counts.recorded += 1;
        let plan = plan(world, &self.message);
        Created::Recorded { index: world.log.push(self.message), plan }
    }

    /// Validates a request of test credentials, which accept only Twilio's magic numbers.
    fn check_magic_numbers(
        account: &Account,
        from: Option<&str>,
        to: &str,
        body: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, Refusal> {
        match from.ok_or_else(|| Refusal::new(21603))? {
            "+15005550006" => {}
            "+15005550001" => return Err(Refusal::new(21212)),
            "+15005550008" => return Err(Refusal::new(21611)),
            _ => return Err(Refusal::new(21606)),
        }
        let code = match to {
            "+15005550002" => 21612,
            "+15005550003" => 21408,
            "+15005550004" => 21610,
            "+15005550009" => 21614,
            "+15005550001" => 21211,
            _ => 0,
        };
        if code != 0 {
            return Err(Refusal::new(code));
        }
        let mut message = new_outbound(account, &parse_to(to)?, body, now);
        message.from = from.map(Into::into);
        Ok(Self { message, storage: Storage::ResponseOnly })
    }
}

/// A new outbound message without a sender.
fn new_outbound(account: &Account, to: &str, body: &str, now: DateTime<Utc>) -> Message {
    Message {
        sid: new_sid("SM"),
        account_sid: account.sid.clone(),
        direction: Direction::OutboundApi,
        from: None,
        to: to.to_owned(),
        body: body.to_owned(),
        media: Vec::new(),
        status: Status::Queued,
        error_code: None,
        parts: parts::count(body),
        service_sid: None,
        status_callback: None,
        send_at: None,
        validity_period: None,
        created: now,
        updated: now,
        sent: None,
        webhook: None,
        webhook_token: None,
    }
}

fn check_sender<'a>(
    world: &'a World,
    account: &Account,
    from: &str,
    to: &str,
) -> Result<&'a Number, Refusal> {
    if (from == without_channel(from)) != (to == without_channel(to)) {
        return Err(Refusal::new(21910));
    }
    if from == to {
        return Err(Refusal::new(21266));
    }
    let on_whatsapp = from != without_channel(from);
    let from = without_channel(from);
    let digits = from.strip_prefix('+').unwrap_or(from);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.len() < 4 || digits.len() > 15 {
        return Err(Refusal::new(21212));
    }
    let number =
        world.number(from).ok_or_else(|| Refusal::new(if on_whatsapp { 63007 } else { 21659 }))?;
    if number.account_sid != account.sid {
        return Err(Refusal::new(21660));
    }
    if on_whatsapp && number.kind != NumberKind::WhatsApp {
        return Err(Refusal::new(63007));
    }
    if !number.capabilities.sms || (number.kind == NumberKind::WhatsApp) != on_whatsapp {
        return Err(Refusal::new(21606));
    }
    Ok(number)
}

fn check_media(media: &[String]) -> Result<(), Refusal> {
    if media.len() > 10 {
        return Err(Refusal::new(21623));
    }
    if media
        .iter()
        .any(|url| !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")))
    {
        return Err(Refusal::new(21620));
    }
    Ok(())
}

/// Parses a validity period in seconds, at most ten hours.
fn parse_validity(raw: &str) -> Result<u32, Refusal> {
    raw.parse()
        .ok()
        .filter(|period| (1..=36_000).contains(period))
        .ok_or_else(|| Refusal::new(21624))
}

fn parse_schedule(
    form: &Form,
    service: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, Refusal> {
    if form.filled("ScheduleType").is_none() {
        return Ok(None);
    }
    if service.is_none() {
        return Err(Refusal::new(35118));
    }
    let raw = form.filled("SendAt").ok_or_else(|| Refusal::new(35111))?;
    let at = DateTime::parse_from_rfc3339(raw).map_err(|_| Refusal::new(35114))?.to_utc();
    if at < now + TimeDelta::minutes(15) || at > now + TimeDelta::days(35) {
        return Err(Refusal::new(35114));
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::parse_validity;

    #[test]
    fn a_message_may_wait_from_one_second_to_ten_hours() {
        assert_eq!(
            (parse_validity("1").ok(), parse_validity("36000").ok()),
            (Some(1), Some(36_000))
        );
        assert!(
            ["0", "36001", "-1", "1.5", "soon"]
                .into_iter()
                .all(|wrong| parse_validity(wrong).is_err())
        );
    }
}
