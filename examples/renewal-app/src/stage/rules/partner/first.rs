//! The first certificate.

use std::time::{Duration, SystemTime};

use obnova_client::{Finish, PickUpLink, Turn};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{Completion, Fact, ParsedCertificate, PinUse, Terms, Vouching, date};
use x509_cert::{der::oid::AssociatedOid as _, ext::pkix::SubjectAltName};

use super::World;
use crate::stage::{
    arrived::Typist,
    newcomer::{Asked, Bent, PINS, Types, keys, one},
    rules::{Broken, Verdict, so, there},
};

/// The client's requests name nobody, so there is nothing to edit; and what comes is put on the card after a yes only.
pub fn names_client(world: &mut World<'_>) -> Verdict {
    let story = world.story()?;
    let shown = story.asked.iter().filter(|asked| **asked == Asked::Certificates).count();
    let mut requests = 0;
    for record in &story.holder.who.journal.0 {
        let Fact::Requested { request, .. } = &record.fact else { continue };
        let request = CertificationRequest::from_der(request)?;
        let names = request.extensions().iter().any(|one| one.extn_id == SubjectAltName::OID);
        if !request.subject().is_empty() || names {
            return Err(Broken(format!("the client asks for {}", request.subject())));
        }
        requests += 1;
    }
    let wanted = usize::from(world.expects.confirms);
    if requests == 0 || shown != wanted {
        return Err(Broken(format!("{requests} requests; certificates were shown {shown} times, not {wanted}")));
    }
    if !world.expects.confirms {
        return Ok(format!("{requests} request with no name in it: the CA says who the holder is"));
    }
    let mut who = world.newcomer()?;
    who.types = Types::Declines;
    let password = who.password(SystemTime::now())?;
    let declined = match who.run(&password)? {
        Turn::Waits(_) => {
            world.stage.approve()?;
            who.with_runner(Some(&password), None, |runner| runner.run())?
        }
        turn => turn,
    };
    let on_card = who.view()?.slots.iter().map(|slot| slot.certificates.len()).sum::<usize>();
    so(
        matches!(declined, Turn::Failed(_)) && on_card == 0,
        format!(
            "{requests} request with no name in it; after a no to what came {on_card} certificates are on the card"
        ),
    )
}

pub fn names_ca(world: &mut World<'_>) -> Verdict {
    let who = world.newcomer()?;
    let password = who.password(SystemTime::now())?;
    let bent = Bent { password: password.to_text(), email: "somebody@else.example", revocation: &who.revocation };
    world.refused(&who.bent_order(&bent)?, "other-names")?;
    let right = world.taken(&who, &password)?;
    Ok(format!("another address in the request: other-names; {right}"))
}

/// The certificate is for a key that the card made and shows.
pub fn key_on_card(world: &mut World<'_>) -> Verdict {
    let story = world.story()?;
    let card = story.holder.who.view()?;
    let (before, after) = (story.keys_before, keys(&story.holder.who)?);
    let mut fitting = 0;
    for (_, certificate) in story.certificates().iter() {
        let slot = card.slots.iter().find(|slot| slot.holds(certificate));
        let key = slot.and_then(|slot| slot.key.as_ref()).and_then(|key| key.public_key.as_ref());
        fitting += usize::from(key == Some(certificate.public_key()));
    }
    let wanted = world.expects.days.len();
    so(
        (before, after, fitting) == (0, wanted, wanted),
        format!("{before} keys on the card before, {after} after; certificates that are for one of them: {fitting}"),
    )
}

/// One run of the client, from the password to the certificate: it waited, and nothing was typed a second time.
pub fn waits(world: &mut World<'_>) -> Verdict {
    let story = world.story()?;
    let credentials: Vec<_> = story
        .asked
        .iter()
        .filter_map(|asked| if let Asked::Credential(one) = asked { Some(one.what) } else { None })
        .collect();
    let again = credentials.iter().enumerate().any(|(at, one)| credentials[..at].contains(one));
    so(
        story.waited > 0 && !again,
        format!("it waited {} times and finished by itself; asked for: {credentials:?}", story.waited),
    )
}

/// Who did not wait has the card and the link.
pub fn link(world: &mut World<'_>) -> Verdict {
    let mut who = world.newcomer()?;
    let password = who.password(SystemTime::now())?;
    who.run(&password)?;
    if who.mailed_link()?.is_some() {
        return Err(Broken("the link came before anything was decided".to_owned()));
    }
    world.stage.approve()?;
    let who = who.elsewhere()?;
    let link = there(who.mailed_link()?, "mail with a link")?;
    let anchors = world.stage.authority.anchors.clone();
    let opened = PickUpLink::open(&link, &anchors)?;
    let came: Vec<_> = opened.certificates().iter().map(|one| one.certificate.der().to_vec()).collect();
    let terms = Terms { anchors, intermediates: Vec::new(), vouching: Vouching::Elsewhere };
    let policy = &world.stage.service.policy;
    let completion = Completion::make(&who.view()?, &came, policy, &terms, SystemTime::now())?;
    let mut types = Typist::types(PINS);
    let mut finish = Finish::new(&who.token, &mut types, &completion.certificates, &[PinUse::Receipt]);
    finish.install(&completion)?;
    finish.close(&opened)?;
    who.link_is_spent(&link)?;
    let card = who.view()?;
    let shown = completion.certificates.iter().filter(|(_, one)| card.slots.iter().any(|slot| slot.holds(one))).count();
    so(
        shown == world.expects.days.len(),
        format!(
            "card and the link in the mail, no journal: {shown} certificates of the order are on the card, and the link is spent"
        ),
    )
}

/// As long as the service says.
pub fn one_year(world: &mut World<'_>) -> Verdict {
    let certificates = world.story()?.certificates();
    one(certificates)?;
    let mut seen = Vec::new();
    for (role, certificate) in certificates.iter() {
        let (from, until) = (certificate.not_before(), certificate.not_after());
        let days = days_of(certificate);
        let text = format!("{role}: {} to {}, {days} days", date(from), date(until));
        if world.expects.days.get(role) != Some(&days) {
            return Err(Broken(text));
        }
        seen.push(text);
    }
    Ok(seen.join("; "))
}

/// How many days a certificate is valid, its first and last second with them.
pub fn days_of(certificate: &ParsedCertificate) -> u64 {
    let span = certificate.not_after().duration_since(certificate.not_before());
    span.map_or(0, |span| (span + Duration::from_secs(1)).as_secs() / 86_400)
}
