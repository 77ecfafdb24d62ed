//! Tests of callbacks as Twilio posts them.

use super::*;
use crate::twilio::status::TwilioStatus;
use crate::twilio::webhook_form::{Params, PostedForm};
use crate::types::http_url::HttpUrl;
use crate::types::phone::PhoneNumber;

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

fn form(text: &str) -> Params<'static> {
    let text = text.replace(['\n', ' '], "").into_bytes().leak();
    PostedForm::read(text).unwrap_or_else(|error| panic!("{error}")).into_params()
}

#[test]
fn a_delivery_report_is_read_completely() {
    let params = form(&format!(
        "SmsSid={SID}&SmsStatus=undelivered&MessageStatus=undelivered&To=%2B14155550123&MessageSid={SID}
         &AccountSid={ACCOUNT}&From=%2B12065550100&ApiVersion=2010-04-01&ErrorCode=30003&RawDlrDoneDate=2611211407
         &MessagingServiceSid=MG0123456789abcdef0123456789abcdef&Surprise=1"
    ));
    let callback = StatusCallback::parse(&params).unwrap();
    assert_eq!(callback.message_sid.as_str(), SID);
    assert_eq!(callback.status, TwilioStatus::Undelivered);
    assert_eq!(callback.error_code, Some(30003));
    assert_eq!(callback.from.as_deref(), Some("+12065550100"));
}

#[test]
fn a_status_callback_requires_only_sid_and_status() {
    let callback =
        StatusCallback::parse(&form(&format!("SmsSid={SID}&SmsStatus=sent&ErrorCode="))).unwrap();
    assert_eq!(
        (callback.status, callback.error_code, callback.from),
        (TwilioStatus::Sent, None, None)
    );
    let error = |text: &str| StatusCallback::parse(&form(text)).err().unwrap();
    assert_eq!(error("MessageStatus=sent"), CallbackError::Missing("MessageSid"));
    assert_eq!(error("MessageStatus=sent&MessageSid=SM1"), CallbackError::NotASid("MessageSid"));
    assert_eq!(error(&format!("MessageSid={SID}")), CallbackError::Missing("MessageStatus"));
}

#[test]
fn an_inbound_message_is_read_completely() {
    let params = form(&format!(
        "ToCountry=US&ToState=&SmsMessageSid={SID}&NumMedia=2&FromZip=&SmsSid={SID}&SmsStatus=received&Body=Stop%21
         &To=%2B12065550100&NumSegments=3&MessageSid={SID}&AccountSid={ACCOUNT}&From=%2B14155550123&OptOutType=STOP
         &MediaUrl0=https%3A%2F%2Fapi.twilio.com%2Fa&MediaContentType0=image%2Fjpeg&MediaUrl1=https%3A%2F%2Fb"
    ));
    let message = InboundMessage::parse(&params).unwrap();
    assert_eq!(message.body, "Stop!");
    assert_eq!(message.opt_out_type, Some(OptOut::Stop));
    assert_eq!((message.num_media, message.num_segments), (2, 3));
    assert_eq!(message.media[0].content_type.as_deref(), Some("image/jpeg"));
    assert_eq!(
        message.media[1],
        InboundMedia { url: HttpUrl::parse("https://b").unwrap(), content_type: None }
    );
    assert_eq!(message.from.phone().map(PhoneNumber::as_str), Some("+14155550123"));
}

#[test]
fn whatsapp_brings_its_channel_and_profile() {
    let params = form(&format!(
        "MessageSid={SID}&AccountSid={ACCOUNT}&From=whatsapp%3A%2B14155550123&To=whatsapp%3A%2B12065550100
         &Body=&ProfileName=Ada&ButtonText=Yes&NumMedia=0"
    ));
    let message = InboundMessage::parse(&params).unwrap();
    assert!(message.from.is_whatsapp());
    assert_eq!(message.profile_name.as_deref(), Some("Ada"));
    assert_eq!((message.body.as_str(), message.num_segments), ("", 1));
}

#[test]
fn an_inbound_message_without_sender_or_recipient_is_refused() {
    let error = |text: String| InboundMessage::parse(&form(&text)).unwrap_err();
    assert_eq!(error(format!("MessageSid={SID}")), CallbackError::Missing("AccountSid"));
    assert_eq!(
        error(format!("MessageSid={SID}&AccountSid=AC1")),
        CallbackError::NotASid("AccountSid")
    );
    assert_eq!(
        error(format!("MessageSid={SID}&AccountSid={ACCOUNT}&To=12345")),
        CallbackError::Missing("From")
    );
}

#[test]
fn nonsense_numbers_do_not_fail_a_message() {
    let params = form(&format!(
        "MessageSid={SID}&AccountSid={ACCOUNT}&From=ACME&To=12345&NumMedia=many&NumSegments=-1&OptOutType=PERHAPS"
    ));
    let message = InboundMessage::parse(&params).unwrap();
    assert_eq!((message.num_media, message.num_segments, message.opt_out_type), (0, 1, None));
}

#[test]
fn debug_shows_neither_text_nor_numbers() {
    let params = form(&format!(
        "MessageSid={SID}&AccountSid={ACCOUNT}&From=%2B14155550123&To=%2B12065550100&Body=secret&ProfileName=Ada"
    ));
    let shown = format!("{:?}", InboundMessage::parse(&params).unwrap());
    for hidden in ["secret", "Ada", "4155550123", "2065550100"] {
        assert!(!shown.contains(hidden), "{hidden}");
    }
}

#[test]
fn texts_are_cleaned_indexed_values_truncated_and_media_urls_restricted_to_http() {
    let long = "9".repeat(5_000);
    let params = form(&format!(
        "MessageSid={SID}&AccountSid={ACCOUNT}&From=%2B1415%005550123&To={long}&Body=ST%00OP%00&NumMedia=3&ProfileName=A%00nn
         &MediaUrl0=javascript:alert(1)&MediaUrl1=https://a/1&MediaUrl2=data:text/html,x&MediaContentType1=image/%00png"
    ));
    let message = InboundMessage::parse(&params).unwrap();
    assert_eq!((message.body.as_str(), message.profile_name.as_deref()), ("STOP", Some("Ann")));
    assert_eq!(message.from.phone().map(PhoneNumber::as_str), Some("+14155550123"));
    assert_eq!(message.to.to_wire().len(), 255);
    let media: Vec<_> = message
        .media
        .iter()
        .map(|media| (media.url.as_str(), media.content_type.as_deref()))
        .collect();
    assert_eq!((message.num_media, media), (3, vec![("https://a/1", Some("image/png"))]));
}
