//! The end of a certificate: the holder's program stopped at each point, the CA killed at each write. Then the same is asked again.
//! By CMC, and by the page that a program asks with JSON. However often it is asked, the certificate ends once: in the database, in the audit log, and in one mail; and no try of a PIN or of
//! the revocation password is lost.

use std::{collections::BTreeMap, fs, marker::PhantomData, sync::Arc, time::SystemTime};

use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_ca::{AuditFinding, AuditLog, CaError as CaFailure, CaKey, MailKind, Outbox, Refusal, store::KeptStatus};
use obnova_card::Secret;
use obnova_client::{
    CaError, ConfirmedBy, EstConnection, HttpExchange, Revocation, RevocationError, RevocationPlan, RevocationReason,
    Revoked, StatusExchange, look, revoke_by_password, revoke_with_card, status::RevocationReason as Reason,
};
use obnova_enroll::{
    OneTimePassword, Secret as Password,
    cmc::{FirstRequestBuilder, Nonce, ProofKey, SealedPassword, TransactionId, UserId},
    est::{Headers, HttpRequest, HttpResponse},
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use obnova_renewal::{CardView, ParsedCertificate};
use x509_cert::{
    ext::pkix::{KeyUsage, KeyUsages},
    name::Name,
};

use crate::{
    authority::{Authority, Wire},
    desk::{REVOCATION_PASSWORD, USER},
    first::assert_nowhere,
    holder::Holder,
    mortal::Mortal,
    page,
    planted::Search,
    profile::ProfileRig,
    report::report,
    rig::Rig,
    world::{copy, folder},
};

/// Who speaks for the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    OwnKey,
    AnotherKey,
    PasswordAlone,
    /// On the page, logged in with another certificate, with the password.
    Page,
    /// On the page, by the password alone.
    PagePasswordAlone,
}

impl Road {
    const ALL: [Self; 5] = [Self::OwnKey, Self::AnotherKey, Self::PasswordAlone, Self::Page, Self::PagePasswordAlone];

    /// As the audit log has it.
    const fn actor(self) -> &'static str {
        match self {
            Self::OwnKey => "holder, by the certificate's own key",
            Self::AnotherKey | Self::Page => "holder, logged in, by password",
            Self::PasswordAlone | Self::PagePasswordAlone => "holder, by password alone",
        }
    }
}

/// A card with a pair in a reader, and a CA that gave its holder other certificates too, whose keys are lost.
struct Place<R: Rig> {
    folder: tempfile::TempDir,
    rig: R,
    authority: Authority,
    before: CardView,
    /// In hexadecimal digits, by road.
    serial: String,
}

/// All that there is, to be copied.
struct Snapshot<R> {
    folder: tempfile::TempDir,
    lost: String,
    rig: PhantomData<R>,
}

impl<R: Rig> Snapshot<R> {
    fn take() -> Self {
        let folder = folder();
        for name in ["ca", "card"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let ca = folder.path().join("ca");
        Authority::found(&ca, &policy());
        let authority = Authority::start(&ca, Mortal::forever());
        R::personalise(&folder.path().join("card"), |keys| authority.certify(keys));
        let lost = order(&authority);
        Self { folder, lost, rig: PhantomData }
    }
}

/// That of twins, with revocation passwords that are enough alone, and addresses that say who is revoked.
fn policy() -> String {
    let change = |policy: String, from: &str, to: &str| {
        assert!(policy.contains(from), "{from}");
        policy.replace(from, to)
    };
    let policy = change(include_str!("../../../../policies/twins.toml").into(), "required = false", "required = true");
    let policy = change(policy, "[notices]", "[revocation]\npassword_alone = true\n\n[notices]");
    ["[authentication]\n", "[signature]\n"].into_iter().fold(policy, |policy, profile| {
        let addresses = "ocsp = \"http://status.example/ocsp\"\ncrl = \"http://status.example/crl\"\n";
        change(policy, profile, &format!("{profile}{addresses}"))
    })
}

/// Certificates by a one-time password, for keys that nobody has any more. The number of one of them.
fn order(authority: &Authority) -> String {
    let key = || CaKey::generate(KeyAlgorithm::P256).unwrap();
    let keys = [(key(), KeyUsages::DigitalSignature), (key(), KeyUsages::NonRepudiation)];
    let password = Password::from_bytes(REVOCATION_PASSWORD.as_bytes()).unwrap();
    let sealed =
        authority.with_ca(|ca| SealedPassword::seal(&password, ca.first().unwrap().encryption_certificate().unwrap()));
    let mut builder = FirstRequestBuilder::new(TransactionId::from_random([1; 16]), Nonce::from_random([2; 16]))
        .revocation_password(sealed.unwrap().unwrap());
    for (key, usage) in &keys {
        builder = builder.request(request(key, *usage));
    }
    let (user, paper) = (UserId::new(USER).unwrap(), authority.hand_out());
    let proof = ProofKey::derive(Digest::Sha256, &OneTimePassword::typed(&paper).unwrap().secret(), &user);
    let message = builder.finalize(&user, &proof).unwrap();
    let message = message.sign_with(|to_sign| keys[to_sign.signer].0.sign(&to_sign.bytes)).unwrap();
    let refused = authority.with_ca(|ca| ca.answer(&message, None, SystemTime::now()).unwrap().refused);
    assert_eq!(refused, Some(None));
    assert!(authority.approve());
    let certificate = &authority.orders()[0].certificates[0];
    ParsedCertificate::from_der(&certificate.der).unwrap().serial()
}

fn request(key: &CaKey, usage: KeyUsages) -> CertificationRequest {
    let builder = RequestBuilder::new(Name::default(), key.public_key().clone(), key.algorithm());
    let to_sign = builder.key_identifier().key_usage(KeyUsage(usage.into())).finalize().unwrap();
    to_sign.assemble(&key.sign(to_sign.bytes()).unwrap()).unwrap()
}

impl<R: Rig> Place<R> {
    fn new(snapshot: &Snapshot<R>, road: Road, life_of_ca: Mortal) -> Self {
        let folder = folder();
        copy(snapshot.folder.path(), folder.path());
        let rig = R::insert(&folder.path().join("card"));
        let authority = Authority::start(&folder.path().join("ca"), life_of_ca);
        let before = look(rig.witness().lock().unwrap().as_mut()).unwrap();
        let own = before.slots[1].certificates[0].certificate.as_ref().unwrap().serial();
        let serial = if road == Road::OwnKey { own } else { snapshot.lost.clone() };
        Self { folder, rig, authority, before, serial }
    }

    /// One life of the holder's program.
    fn live(&self, road: Road, life: &Mortal) -> Result<Revoked, RevocationError> {
        let wire = Wire { authority: &self.authority, life: life.clone() };
        match road {
            Road::Page => page::live::<R>(&wire, Some(&self.rig.token(life)), &self.serial),
            Road::PagePasswordAlone => page::live::<R>(&wire, None, &self.serial),
            _ => self.live_on(&wire, road, life),
        }
    }

    /// The same, with another network.
    fn live_on<W>(&self, wire: &W, road: Road, life: &Mortal) -> Result<Revoked, RevocationError>
    where
        W: HttpExchange + StatusExchange + Clone,
    {
        let mut ca = EstConnection::new(wire.clone(), self.authority.anchors())?;
        let password = Secret::from(REVOCATION_PASSWORD);
        let password = (road != Road::OwnKey).then_some(&password);
        let wanted = Revocation { serial: &self.serial, reason: RevocationReason::Superseded, password };
        if road == Road::PasswordAlone {
            return revoke_by_password(&mut ca, wire, &wanted);
        }
        let token = self.rig.token(life);
        let plan = RevocationPlan::make(&look(token.lock().unwrap().as_mut())?, &self.serial, SystemTime::now())?;
        assert_eq!(plan.wants_password(), road == Road::AnotherKey);
        revoke_with_card(&token, &mut Holder::<R>::new(None), &mut ca, wire, &plan, &wanted)
    }

    fn bytes(&self) -> Vec<u8> {
        let digits = self.serial.as_bytes().chunks(2);
        digits.map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    /// Whether it has ended, by what is on the CA's disk.
    fn has_ended(&self) -> bool {
        matches!(self.authority.store().status(&self.bytes()).unwrap(), KeptStatus::Revoked(_))
    }

    /// What holds at any moment: it has ended everywhere or nowhere, and nothing else has.
    fn assert_sound(&self, road: Road, told: &str) {
        let (serial, times) = (self.serial.to_lowercase(), usize::from(self.has_ended()));
        let mut actors = Vec::new();
        let log = AuditLog::new(self.authority.store());
        let each = |record: obnova_ca::AuditRecord| {
            if record.event == "revoked" {
                assert_eq!(record.about.to_lowercase(), serial, "{told}");
                actors.push(record.actor);
            }
            true
        };
        log.read(1, each).unwrap();
        assert_eq!(actors, vec![road.actor(); times], "{told}: the audit log");
        // This CA keeps no anchors beside its database.
        assert_eq!(log.verify(&[]).unwrap().findings, [AuditFinding::NoAnchors], "{told}");
        let mails = Outbox::new(Arc::new(self.authority.store())).list(None, 10).unwrap();
        let mails = mails.iter().filter(|mail| mail.kind == MailKind::Revoked).count();
        assert_eq!(mails, times, "{told}: mails");
        let revoked = |view: &obnova_renewal::SlotView| {
            let serial = view.certificates[0]
                .certificate
                .as_ref()
                .unwrap()
                .certificate()
                .tbs_certificate()
                .serial_number()
                .as_bytes()
                .to_vec();
            matches!(self.authority.store().status(&serial).unwrap(), KeptStatus::Revoked(_))
        };
        let on_card = self.before.slots.iter().filter(|slot| !slot.certificates.is_empty());
        let on_card: Vec<_> = on_card.map(revoked).collect();
        assert_eq!(on_card, [false, road == Road::OwnKey && times == 1], "{told}");
        let seen = look(self.rig.witness().lock().unwrap().as_mut()).unwrap();
        assert_eq!(seen, self.before, "{told}: the card, and the tries of its PINs");
        assert_nowhere(self.folder.path(), &Search::new([REVOCATION_PASSWORD]), told);
    }

    /// How many wrong passwords the CA compares before the next one has to wait.
    fn guesses(&self, road: Road) -> usize {
        let (serial, wrong) = (self.bytes(), Password::from_bytes(b"something else entirely").unwrap());
        let guess = |_: &usize| {
            let refused = self.authority.with_ca(|ca| {
                let (passwords, now) = (ca.first().unwrap().revocation_passwords(), SystemTime::now());
                match road {
                    Road::AnotherKey | Road::Page => passwords.check_logged_in(&serial, &wrong, now),
                    _ => passwords.check(&serial, &wrong, now),
                }
            });
            match refused.unwrap() {
                Err(CaFailure::Refused(Refusal::WrongRevocationPassword)) => true,
                Err(CaFailure::Refused(Refusal::PasswordSlowed { .. })) => false,
                other => panic!("{other:?}"),
            }
        };
        (0..100).take_while(guess).count()
    }

    /// The same is asked again, by a program and a CA that live.
    fn again(&self, road: Road, told: &str) {
        let ended = self.has_ended();
        self.authority.restart(Mortal::forever());
        for already in [ended, true] {
            let revoked = self.live(road, &Mortal::forever()).unwrap_or_else(|error| panic!("{told}: {error:?}"));
            assert_eq!(revoked.already, already, "{told}");
            let confirmation = revoked.confirmation.unwrap_or_else(|error| panic!("{told}: {error}"));
            assert_eq!((confirmation.by, confirmation.reason), (ConfirmedBy::Ocsp, Reason::Superseded), "{told}");
            assert!(self.has_ended(), "{told}");
            self.assert_sound(road, told);
        }
    }
}

/// Stops the holder's program at each point.
pub fn stopped<R: Rig>() {
    let snapshot = Snapshot::<R>::take();
    for road in Road::ALL {
        let life = Mortal::forever();
        let place = Place::<R>::new(&snapshot, road, Mortal::forever());
        let revoked = place.live(road, &life).unwrap();
        // Where the certificate is at hand it says whom to ask.
        let asked = revoked.confirmation.unwrap().place;
        assert_eq!((revoked.already, asked.contains("status.example")), (false, road == Road::OwnKey), "{asked}");
        place.assert_sound(road, "never stopped");
        let points = life.points();
        drop(place);
        let (mut had_ended, mut kinds) = (0, BTreeMap::<&str, usize>::new());
        for (at, point) in points.iter().enumerate() {
            *kinds.entry(point.split(' ').nth(1).unwrap()).or_default() += 1;
            let told = format!("{}, {road:?}: stopped {point} (point {at})", R::NAME);
            let place = Place::<R>::new(&snapshot, road, Mortal::forever());
            let life = Mortal::until(at);
            let ended = place.live(road, &life);
            let unheard = matches!(&ended, Ok(revoked) if revoked.confirmation.is_err() || at + 1 == points.len());
            assert!(life.is_dead() && (ended.is_err() || unheard), "{told}: {ended:?}");
            place.assert_sound(road, &told);
            had_ended += usize::from(place.has_ended());
            place.again(road, &told);
        }
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        report(&format!(
            "{}, a revocation, {road:?}: {} points: {}; it had ended at {had_ended} of them",
            R::NAME,
            points.len(),
            kinds.join(", ")
        ));
        assert!(had_ended > 2 && had_ended < points.len(), "{had_ended} of {}", points.len());
    }
}

/// Kills the CA before and after each of its writes.
fn ca_killed<R: Rig>() {
    let snapshot = Snapshot::<R>::take();
    for road in Road::ALL {
        let life_of_ca = Mortal::forever();
        let place = Place::<R>::new(&snapshot, road, life_of_ca.clone());
        let begun = life_of_ca.points().len();
        place.live(road, &Mortal::forever()).unwrap().confirmation.unwrap();
        let points = life_of_ca.points();
        let guesses = if road == Road::OwnKey { 0 } else { place.guesses(road) };
        assert_eq!(guesses > 0, road != Road::OwnKey);
        drop(place);
        let mut had_ended = 0;
        for (at, point) in points.iter().enumerate().skip(begun) {
            let told = format!("{}, {road:?}: the CA killed {point}", R::NAME);
            let place = Place::<R>::new(&snapshot, road, Mortal::until(at));
            let ended = place.live(road, &Mortal::forever());
            assert!(matches!(ended, Err(RevocationError::Ca(_))), "{told}: {ended:?}");
            place.assert_sound(road, &told);
            had_ended += usize::from(place.has_ended());
            place.again(road, &told);
            let left = if road == Road::OwnKey { 0 } else { place.guesses(road) };
            assert_eq!(left, guesses, "{told}: guesses of the revocation password");
        }
        let count = points.len() - begun;
        report(&format!(
            "{}, a revocation, {road:?}: the CA killed at {count} points: it had ended at {had_ended} of them",
            R::NAME
        ));
        assert_eq!((count, had_ended), if road == Road::OwnKey { (2, 1) } else { (6, 1) }, "{points:?}");
    }
}

#[test]
fn stopped_anywhere_it_ends_once() {
    stopped::<ProfileRig>();
}

#[test]
fn with_the_ca_killed_at_each_write_it_ends_once() {
    ca_killed::<ProfileRig>();
}

/// A network in which nobody answers but the CA, and who has its list.
#[derive(Clone)]
struct OnlyTheList<'a>(Wire<'a>);

fn nobody() -> Result<HttpResponse, CaError> {
    Ok(HttpResponse { status: 404, headers: Headers::default(), body: Vec::new() })
}

impl HttpExchange for OnlyTheList<'_> {
    fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        let is_of_status = ["/ocsp", "/crl"].contains(&request.path.as_str());
        if is_of_status { nobody() } else { HttpExchange::exchange(&self.0, request) }
    }
}

impl StatusExchange for OnlyTheList<'_> {
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        if request.path == "/ocsp" { nobody() } else { StatusExchange::exchange(&self.0, server, request) }
    }
}

#[test]
fn where_ocsp_is_not_spoken_the_list_is_read_that_the_certificate_names() {
    let snapshot = Snapshot::<ProfileRig>::take();
    for (road, confirmed) in [(Road::OwnKey, true), (Road::PasswordAlone, false)] {
        let place = Place::<ProfileRig>::new(&snapshot, road, Mortal::forever());
        let life = Mortal::forever();
        let wire = OnlyTheList(Wire { authority: &place.authority, life: life.clone() });
        for already in [false, true] {
            let revoked = place.live_on(&wire, road, &life).unwrap();
            assert_eq!(revoked.already, already, "{road:?}");
            match revoked.confirmation {
                Ok(found) => {
                    assert_eq!((found.by, found.place.as_str()), (ConfirmedBy::Crl, "http://status.example/crl"));
                    assert!(confirmed, "{road:?}");
                }
                // By a number alone nobody else is known, and the CA's word stands alone.
                Err(problems) => assert_eq!((problems.0.len(), confirmed), (2, false), "{problems}"),
            }
            place.assert_sound(road, "by the list");
        }
    }
}
