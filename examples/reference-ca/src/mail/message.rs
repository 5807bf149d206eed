use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use obnova_ca::{Mail, store::QueuedMail};

use super::MailConfig;

/// The mail as it travels (RFC 5322): the same bytes each time it is sent.
pub(super) fn message(mail: &QueuedMail, link: Option<&str>, config: &MailConfig) -> Result<Message, String> {
    let address = |text: &str| text.parse::<Address>().map_err(|error| error.to_string());
    // It was over, and is not kept any more.
    if link.is_none() && mail.body.contains(Mail::LINK) {
        return Err("its link is over".into());
    }
    let body = link.map_or_else(|| mail.body.clone(), |link| mail.body.replace(Mail::LINK, link));
    let mut message = Message::builder()
        .from(Mailbox::new(config.from_name.clone(), address(config.from.as_str())?))
        .to(Mailbox::new(mail.name.clone(), address(&mail.to)?))
        .subject(&mail.subject)
        .date(mail.queued)
        .message_id(Some(format!("<{}@{}>", mail.message_id(), config.from.domain())))
        .header(ContentType::TEXT_PLAIN);
    // Nobody's absence is to be told to a CA (RFC 3834 §5).
    let name = HeaderName::new_from_ascii_str("Auto-Submitted");
    message = message.raw_header(HeaderValue::new(name, "auto-generated".into()));
    message.body(body.replace('\n', "\r\n")).map_err(|error| error.to_string())
}
