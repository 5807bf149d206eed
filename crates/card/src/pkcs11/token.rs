use cryptoki::{
    context::Pkcs11,
    error::{Error, RvError},
    mechanism::MechanismType,
    object::{Attribute, CertificateType, ObjectClass},
    session::{Session, UserType},
    slot::{Slot as ModuleSlot, TokenInfo},
    types::{AuthPin, RawAuthPin},
};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, key_id};

use super::{
    convention::{CertificateLabel, KeyLabel},
    failure::failed,
    keys, module,
    names::names,
    numbers::{Numbers, lowest_free},
    objects::{self, Pair, private_key},
    pin::{PIN, check_form, form, only_pin, status},
    sign,
};
use crate::{
    Capabilities, GenerateKey, Identity, InstallCertificate, PasswordKind, PasswordState, PasswordStatus, Pin,
    Pkcs11Uri, Removal, Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
    check::{check_generated, check_install, check_job, check_signature},
};

/// A token behind a PKCS#11 module. How it maps onto slots and roles is written in the [crate's README](crate).
pub struct Pkcs11Token {
    module: Pkcs11,
    slot: ModuleSlot,
    place: String,
    numbers: Numbers,
}

/// Empty slots that are shown; there is no limit but memory.
const EMPTY_SLOTS: usize = 4;
/// PKCS#11 has no limit; this one keeps a plan from promising the absurd.
const LONGEST_CERTIFICATE: usize = 16_384;

impl Pkcs11Token {
    /// Loads the module and finds the token that the URI names.
    ///
    /// # Errors
    /// [`TokenError::Module`]: the module cannot be loaded, no token or several fit.
    pub fn open(uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        let path = module::path(uri);
        let module = module::load(path)?;
        let slot = module::choose(&module, uri)?;
        let place = path.display().to_string();
        Ok(Self { module, slot, place, numbers: Numbers::default() })
    }

    fn info(&self) -> Result<TokenInfo, TokenError> {
        self.module.get_token_info(self.slot).map_err(failed("C_GetTokenInfo"))
    }

    fn mechanisms(&self) -> Result<Vec<MechanismType>, TokenError> {
        self.module.get_mechanism_list(self.slot).map_err(failed("C_GetMechanismList"))
    }

    fn session(&self) -> Result<Session, TokenError> {
        self.module.open_ro_session(self.slot).map_err(failed("C_OpenSession"))
    }

    /// A conversation that may write, opened by the PIN.
    fn log_in(&self, pin: &Pin) -> Result<LoggedIn, TokenError> {
        self.check_before_sending(pin)?;
        let session = self.module.open_rw_session(self.slot).map_err(failed("C_OpenSession"))?;
        let secret = RawAuthPin::new(Box::new(pin.secret.expose().to_vec()));
        let mut result = session.login_with_raw(UserType::User, &secret);
        if matches!(result, Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _))) {
            // Another part of this program is logged in. The PIN that was given is what counts.
            session.logout().map_err(failed("C_Logout"))?;
            result = session.login_with_raw(UserType::User, &secret);
        }
        result.map_err(|error| self.password_error("C_Login", error))?;
        Ok(LoggedIn(session))
    }

    /// What can be known before a secret is sent.
    fn check_before_sending(&self, pin: &Pin) -> Result<(), TokenError> {
        let status = status(&self.info()?);
        match status.state {
            PasswordState::Active(tries) if !pin.may_be_sent(tries) => {
                Err(TokenError::TooFewTries { password: PIN, tries })
            }
            PasswordState::Active(_) | PasswordState::Disabled => check_form(&status, &pin.secret),
            PasswordState::Blocked => Err(TokenError::Blocked { password: PIN }),
            PasswordState::Transport | PasswordState::Empty => Err(TokenError::NotActive),
        }
    }

    fn password_error(&self, call: &'static str, error: Error) -> TokenError {
        match error {
            Error::Pkcs11(RvError::PinIncorrect, _) => match self.info().map(|info| status(&info).state) {
                Ok(PasswordState::Blocked) => TokenError::Blocked { password: PIN },
                Ok(PasswordState::Active(tries)) => TokenError::WrongSecret { password: PIN, tries },
                _ => TokenError::WrongSecret { password: PIN, tries: Tries::Unknown },
            },
            Error::Pkcs11(RvError::PinLocked, _) => TokenError::Blocked { password: PIN },
            Error::Pkcs11(RvError::PinExpired, _) => TokenError::NotActive,
            error => failed(call)(error),
        }
    }

    fn set_pin(&self, session: &Session, old: &Secret, new: &Secret) -> Result<(), TokenError> {
        let status = status(&self.info()?);
        let text = |secret: &Secret| match std::str::from_utf8(secret.expose()) {
            Ok(text) => Ok(AuthPin::from(text)),
            Err(_) => Err(form(&status)),
        };
        session.set_pin(&text(old)?, &text(new)?).map_err(|error| match error {
            Error::Pkcs11(RvError::PinLenRange | RvError::PinInvalid, _) => form(&status),
            error => self.password_error("C_SetPIN", error),
        })
    }

    /// Every pair with its number.
    fn numbered(&mut self, session: &Session) -> Result<Vec<(SlotId, Pair)>, TokenError> {
        Ok(self.numbers.assign(objects::pairs(session)?))
    }

    fn slots_of(&self, numbered: &[(SlotId, Pair)]) -> Result<Vec<Slot>, TokenError> {
        let mechanisms = self.mechanisms()?;
        Ok(numbered.iter().map(|(number, pair)| pair.slot(*number, &mechanisms)).collect())
    }
}

/// Logged in for one conversation.
struct LoggedIn(Session);

impl Drop for LoggedIn {
    fn drop(&mut self) {
        // Where this fails the token is gone, and the login with it.
        let _ = self.0.logout();
    }
}

impl Token for Pkcs11Token {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        let info = self.info()?;
        Ok(Identity {
            kind: format!("PKCS#11: {}", text(info.model())),
            label: text(info.label()),
            serial: text(info.serial_number()),
            place: self.place.clone(),
        })
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let mechanisms = self.mechanisms()?;
        let makes = |algorithm: &KeyAlgorithm| {
            let (generation, signature) = if algorithm.is_rsa() {
                (MechanismType::RSA_PKCS_KEY_PAIR_GEN, MechanismType::RSA_PKCS)
            } else {
                (MechanismType::ECC_KEY_PAIR_GEN, MechanismType::ECDSA)
            };
            let in_range = || {
                let info = self.module.get_mechanism_info(self.slot, generation);
                info.is_ok_and(|info| {
                    let bits = algorithm.bits() as usize;
                    (info.min_key_size()..=info.max_key_size()).contains(&bits)
                })
            };
            mechanisms.contains(&generation) && mechanisms.contains(&signature) && in_range()
        };
        Ok(Capabilities {
            generate: KeyAlgorithm::ALL.into_iter().filter(makes).collect(),
            in_place_only: false,
            atomic_install: false,
            slots: None,
            max_certificate: LONGEST_CERTIFICATE,
            marks_superseded: true,
        })
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        Ok(vec![status(&self.info()?)])
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let session = self.session()?;
        let numbered = self.numbered(&session)?;
        let mut slots = self.slots_of(&numbered)?;
        for _ in 0..EMPTY_SLOTS {
            let id = lowest_free(slots.iter().map(|slot| slot.id));
            slots.push(Slot { id, key: None, certificates: Vec::new() });
        }
        slots.sort_by_key(|slot| slot.id);
        Ok(slots)
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        const CALL: &str = "C_GenerateKeyPair";
        let wrong = |problem| Err(TokenError::Slot { slot: request.slot, problem });
        if request.slot.0 == 0 {
            return wrong("slots are numbered from 1: take another number");
        }
        let unsupported = || TokenError::Unsupported { what: format!("make {} keys", request.algorithm) };
        if !self.capabilities()?.generate.contains(&request.algorithm) {
            return Err(unsupported());
        }
        let (mechanism, kind) = keys::generation(request.algorithm).ok_or_else(unsupported)?;
        let session = self.session()?;
        if self.numbered(&session)?.iter().any(|(number, _)| *number == request.slot) {
            return wrong("there is a key in it already: take an empty one, or remove the key first");
        }
        let session = self.log_in(pin)?;
        // The identifier comes from the public key, which is not known yet. Until then a random one keeps the pair together.
        let id = session.0.generate_random_vec(20).map_err(failed("C_GenerateRandom"))?;
        let label = KeyLabel { text: request.label.clone(), place: Some((request.role, request.slot)) };
        let label = label.to_string().into_bytes();
        let common = [Attribute::Token(true), Attribute::Id(id), Attribute::Label(label)];
        let public = [&common[..], &[Attribute::Private(false), Attribute::Verify(true)], &kind].concat();
        let private = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
        ];
        let private = [&common[..], &private].concat();
        let (public, private) = session.0.generate_key_pair(&mechanism, &public, &private).map_err(failed(CALL))?;
        let made = objects::pairs(&session.0)?.into_iter().find(|pair| pair.public == Some(public));
        let problem = "the new public key cannot be read or is malformed".to_owned();
        let made = made.ok_or(TokenError::Malformed { command: CALL, problem })?;
        check_generated(CALL, &made.key, request.algorithm)?;
        let id =
            key_id(&made.key).map_err(|error| TokenError::Malformed { command: CALL, problem: error.to_string() })?;
        for object in [public, private] {
            let id = Attribute::Id(id.to_vec());
            session.0.update_attributes(object, &[id]).map_err(failed("C_SetAttributeValue"))?;
        }
        Ok(made.key)
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        const CALL: &str = "C_Sign";
        let session = self.session()?;
        let numbered = self.numbered(&session)?;
        let slots = self.slots_of(&numbered)?;
        jobs.iter().try_for_each(|job| check_job(&slots, job))?;
        let session = self.log_in(pin)?;
        let mut signatures = Vec::with_capacity(jobs.len());
        for job in jobs {
            let missing = TokenError::Slot {
                slot: job.slot,
                problem: "its private key is not on the token: take a slot with a key",
            };
            let Some((_, pair)) = numbered.iter().find(|(number, _)| *number == job.slot) else { return Err(missing) };
            let private = private_key(&session.0, job.slot, pair)?.ok_or(missing)?;
            if objects::always_asks(&session.0, private)? {
                let what = format!("sign with the key in slot {}, which asks for the PIN at each signature", job.slot);
                return Err(TokenError::Unsupported { what });
            }
            let (mechanism, data) = sign::order(pair.algorithm, job.algorithm, &job.digest);
            let signature = session.0.sign(&mechanism, private, &data).map_err(failed(CALL))?;
            let signature = if pair.algorithm.is_rsa() {
                signature
            } else {
                let problem = "an ECDSA signature has another length than two numbers of its curve".to_owned();
                sign::ecdsa_der(pair.algorithm, &signature).ok_or(TokenError::Malformed { command: CALL, problem })?
            };
            check_signature(CALL, &pair.key, job.algorithm, &job.digest, &signature)?;
            signatures.push(signature);
        }
        Ok(signatures)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        let session = self.session()?;
        let numbered = self.numbered(&session)?;
        check_install(&self.slots_of(&numbered)?, jobs, superseded, LONGEST_CERTIFICATE)?;
        let session = self.log_in(pin)?;
        let mut written = Vec::new();
        for job in jobs {
            let missing =
                TokenError::Slot { slot: job.slot, problem: "there is no such slot: take one that Token::slots names" };
            let Some((_, pair)) = numbered.iter().find(|(number, _)| *number == job.slot) else { return Err(missing) };
            if pair.certificates.iter().any(|certificate| certificate.der == job.certificate) {
                // It was installed before something tore the rest.
                continue;
            }
            match write(&session.0, pair, job) {
                Ok(certificate) => written.push(certificate),
                Err(error) => {
                    // All or nothing, as far as PKCS#11 lets us.
                    for certificate in written {
                        let _ = session.0.destroy_object(certificate);
                    }
                    return Err(error);
                }
            }
        }
        // The old is marked when the new is there: torn between the two, both look valid, and both are.
        for (_, pair) in numbered.iter().filter(|(number, _)| superseded.contains(number)) {
            for certificate in pair.certificates.iter().filter(|certificate| !certificate.label.superseded) {
                let label = CertificateLabel { superseded: true, ..certificate.label.clone() };
                let label = Attribute::Label(label.to_string().into_bytes());
                session.0.update_attributes(certificate.handle, &[label]).map_err(failed("C_SetAttributeValue"))?;
            }
        }
        Ok(())
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        let session = self.session()?;
        let numbered = self.numbered(&session)?;
        let pair = |slot: SlotId| {
            let missing = TokenError::Slot { slot, problem: "there is nothing in it: read the slots again" };
            numbered.iter().find(|(number, _)| *number == slot).map(|(_, pair)| pair).ok_or(missing)
        };
        // Certificates first, the private key last: what is left when something tears is never an entry without its key.
        let (mut certificates, mut pairs) = (Vec::new(), Vec::new());
        for removal in what {
            match *removal {
                Removal::Slot(slot) => {
                    let pair = pair(slot)?;
                    certificates.extend(pair.certificates.iter().map(|certificate| certificate.handle));
                    pairs.push((slot, pair));
                }
                Removal::Certificate(slot, index) => {
                    let missing = TokenError::Slot {
                        slot,
                        problem: "it has no certificate of this number: read the slots again",
                    };
                    certificates.push(pair(slot)?.certificates.get(index).ok_or(missing)?.handle);
                }
            }
        }
        let session = self.log_in(pin)?;
        let privates =
            pairs.iter().map(|(slot, pair)| private_key(&session.0, *slot, pair)).collect::<Result<Vec<_>, _>>()?;
        let publics = pairs.iter().filter_map(|(_, pair)| pair.public);
        for object in certificates.into_iter().chain(publics).chain(privates.into_iter().flatten()) {
            session.0.destroy_object(object).map_err(failed("C_DestroyObject"))?;
        }
        Ok(())
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        only_pin(kind, "change")?;
        check_form(&status(&self.info()?), new)?;
        let session = self.log_in(old)?;
        self.set_pin(&session.0, &old.secret, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, _puk: &Pin, _new: &Secret) -> Result<(), TokenError> {
        Err(TokenError::Unsupported { what: format!("unblock the {kind}: PKCS#11 has no PUK") })
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        let status = status(&self.info()?);
        if status.state != PasswordState::Transport {
            return Err(TokenError::Unsupported { what: "be activated: its PIN is no transport PIN".to_owned() });
        }
        let [(kind, new)] = new else {
            return Err(TokenError::Unsupported { what: "take more or less than one new PIN".to_owned() });
        };
        only_pin(*kind, "set")?;
        check_form(&status, &transport.secret)?;
        check_form(&status, new)?;
        let session = self.module.open_rw_session(self.slot).map_err(failed("C_OpenSession"))?;
        self.set_pin(&session, &transport.secret, new)
    }
}

fn write(
    session: &Session,
    pair: &Pair,
    job: &InstallCertificate,
) -> Result<cryptoki::object::ObjectHandle, TokenError> {
    let problem = "what is to be installed is no X.509 certificate: give the DER of one";
    let names = names(&job.certificate).ok_or(TokenError::Slot { slot: job.slot, problem })?;
    let label = CertificateLabel { text: job.label.clone(), superseded: false };
    let template = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Id(pair.id.clone()),
        Attribute::Label(label.to_string().into_bytes()),
        Attribute::Subject(names.subject),
        Attribute::Issuer(names.issuer),
        Attribute::SerialNumber(names.serial_number),
        Attribute::Value(job.certificate.clone()),
    ];
    session.create_object(&template).map_err(failed("C_CreateObject"))
}

fn text(padded: &str) -> String {
    padded.trim_end_matches(['\0', ' ']).to_owned()
}
