use std::time::SystemTime;

use aws_lc_rs::rand;
use obnova_algorithm::{Digest, SubjectPublicKeyInfoOwned};
use obnova_enroll::{
    cmc::{
        self, Asked, Expected, FirstRequest, FirstRequestBuilder, FollowUp, FullRequest, FullRequestBuilder,
        FullResponse, Kind, MessageToSign, Nonce, PendToken, ProofKey, Received, ResponseError, SealedPassword, Signer,
        TransactionId,
    },
    est::{Client, EstError, FullCmcReply, RetryAfter},
};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{
    Answer, LinkAnswer, Message, NoticeLink, Order, ParsedCertificate, PickUp, Prepared, Receipt, Standing, Terms,
    ToSign, Vouching, Wishes, follow_chain,
};
use x509_cert::Certificate;

use crate::{
    CaConnection, CaError, Credentials, HttpExchange, Https,
    link::renewal,
    standing::{Asking, standing},
};

mod attributes;
mod certificates;
mod encryption;
mod receipt;
mod revocation;
mod signers;
mod simple;
mod tokens;

pub(crate) use receipt::SignedReceipt;
pub(crate) use revocation::Said;
pub use simple::SimpleEstConnection;
use tokens::{Fetch, FirstContent, Taken, Thread};

/// A CA that takes CMC Full PKI requests over EST (RFC 5272, RFC 7030): two requests in one message that both old keys sign.
///
/// It is sent the same message after a crash; what is pending is fetched by the token of the answer, over TLS, with neither
/// card nor PIN.
#[derive(Debug)]
pub struct EstConnection<H = Https> {
    https: H,
    client: Client,
    anchors: Vec<ParsedCertificate>,
    /// What the server gave as its certificates, once it was asked.
    certificates: Option<Vec<ParsedCertificate>>,
    /// Servers that did not say whether a certificate is revoked.
    silent: Vec<String>,
}

impl<H: HttpExchange> EstConnection<H> {
    /// Over this connection, trusting these anchors for everything that the CA issues and signs.
    ///
    /// # Errors
    /// [`CaError::Order`] without an anchor.
    pub fn new(https: H, anchors: Vec<ParsedCertificate>) -> Result<Self, CaError> {
        if anchors.is_empty() {
            return Err(CaError::Order("no certificate to trust the issuer by".into()));
        }
        Ok(Self { https, client: Client::new(), anchors, certificates: None, silent: Vec::new() })
    }

    /// For one of several CAs of a server (RFC 7030 §3.2.2).
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.client = self.client.label(label);
        self
    }

    /// The CA's certificates, asked for once (RFC 7030 §4.1). They must have to do with an anchor: what another issuer's
    /// server says of itself is not even kept.
    fn certificates(&mut self) -> Result<Vec<ParsedCertificate>, CaError> {
        if let Some(known) = &self.certificates {
            return Ok(known.clone());
        }
        let fetched = certificates::fetch(&self.https, &self.client, &self.anchors)?;
        Ok(self.certificates.insert(fetched).clone())
    }

    /// The certificate that secrets for the CA are encrypted to.
    pub(crate) fn encryption_certificate(&mut self) -> Result<Certificate, CaError> {
        let (given, now) = (self.certificates()?, SystemTime::now());
        if let Some(known) = encryption::certificate(&given, &self.anchors, &given, now) {
            return Ok(known);
        }
        let response = self.https.exchange(&encryption::request())?;
        let found = encryption::response(&response)?;
        encryption::certificate(found.as_slice(), &self.anchors, &given, now)
            .ok_or_else(|| CaError::Order("its server names no certificate to encrypt a revocation password to".into()))
    }

    /// Those who may sign the CA's answers.
    fn signers(&mut self) -> Result<Vec<Certificate>, CaError> {
        let given = self.certificates()?;
        Ok(signers::signers(&self.anchors, &given, SystemTime::now()))
    }

    /// Sends one CMC message of a transaction and reads the answer to it.
    fn ask(&mut self, message: &[u8], thread: &Thread, asked: Asked) -> Result<Reply, CaError> {
        let signers = self.signers()?;
        let response = self.https.exchange(&self.client.fullcmc_request(message))?;
        Ok(match self.client.fullcmc_response(&response).map_err(est_error)? {
            FullCmcReply::RetryAfter(later) => Reply::Later(later),
            FullCmcReply::CertsOnly(certificates) => Reply::Unsigned(certificates),
            FullCmcReply::Cmc(der) => {
                let expected = Expected { transaction: &thread.transaction, nonce: &thread.nonce, ca: &signers, asked };
                Reply::Signed(FullResponse::parse(&der, &expected)?)
            }
        })
    }

    fn answer(&mut self, message: &[u8], thread: &Thread, asked: &Question) -> Result<Answer, CaError> {
        let reply = self.ask(message, thread, Asked::Certificates)?;
        let now = SystemTime::now();
        let wait = |until: SystemTime| until.duration_since(now).unwrap_or_default();
        Ok(match reply {
            // RFC 7030 §4.2.3: come again with the very same message; a token is asked with again anyway.
            Reply::Later(later) => {
                let again = matches!(asked, Question::Order(_)).then(|| Fetch::Again(message).to_pick_up());
                Answer::Pending { pick_ups: again.into_iter().collect(), retry_after: wait(later.moment(now)) }
            }
            Reply::Unsigned(certificates) => {
                Answer::Issued { certificates: self.unsigned(&certificates, asked, now)?, receipt: None }
            }
            Reply::Signed(FullResponse { answer, nonce }) => match answer {
                cmc::Answer::Issued { certificates, chain, confirm } => {
                    let ours = ders(&certificates)?;
                    let taken = Taken {
                        transaction: &thread.transaction,
                        reply_to: nonce.as_ref(),
                        token: asked.token(),
                        certificates: &ours,
                    };
                    let receipt = confirm.then(|| taken.to_receipt());
                    Answer::Issued { certificates: [ours.clone(), ders(&chain)?].concat(), receipt }
                }
                cmc::Answer::Pending { token, check_at } => {
                    let fetch =
                        Fetch::Token { transaction: &thread.transaction, reply_to: nonce.as_ref(), token: &token };
                    Answer::Pending { pick_ups: vec![fetch.to_pick_up()], retry_after: wait(check_at) }
                }
                cmc::Answer::Refused { reason, text } => Answer::Refused { reason: reason.name(), text },
                cmc::Answer::Confirmed => return Err(CaError::Protocol("a confirmation of what was not asked".into())),
            },
        })
    }
}

impl<H: HttpExchange> EstConnection<H> {
    /// Certificates that came without the CA's signature on the answer (RFC 5272 §4.1). Each is worth what its issuer's
    /// signature is worth: so they must be for the keys that were ordered, and lead up to an anchor. Otherwise whoever
    /// stands between could end a renewal with certificates that he found somewhere.
    fn unsigned(&self, came: &[Certificate], asked: &Question, now: SystemTime) -> Result<Vec<Vec<u8>>, CaError> {
        let Question::Order(keys) = asked else {
            // Who gave a token signed it, and signs what it opens.
            return Err(ResponseError::Unsigned.into());
        };
        let ders = ders(came)?;
        let came: Result<Vec<_>, _> = ders.iter().map(|der| ParsedCertificate::from_der(der)).collect();
        let came = came.map_err(|error| CaError::Protocol(error.to_string()))?;
        let between = [came.as_slice(), self.certificates.as_deref().unwrap_or_default()].concat();
        let leads_up = |one: &ParsedCertificate| follow_chain(one, &self.anchors, &between, now).is_ok();
        let certified = |key| came.iter().any(|one| one.public_key() == key && leads_up(one));
        if keys.iter().all(certified) { Ok(ders) } else { Err(CaError::Unvouched) }
    }
}

impl<H: HttpExchange> CaConnection for EstConnection<H> {
    /// The kinds of keys that the server takes, where `/csrattrs` says it. The rest of it is for plain EST.
    fn wishes(&mut self) -> Result<Wishes, CaError> {
        let shape = attributes::shape(&self.https, &self.client)?;
        Ok(attributes::of_keys(Wishes::default(), &shape))
    }

    fn standing(&mut self, certificate: &ParsedCertificate, now: SystemTime) -> Result<Standing, CaError> {
        let issuer = self.issuer_of(certificate)?;
        Ok(standing(certificate, issuer.as_ref(), &Asking::new(&self.https, &mut self.silent), now))
    }

    fn use_link(&mut self, link: &NoticeLink) -> Result<LinkAnswer, CaError> {
        renewal::use_up(&self.https, link)
    }

    fn terms(&mut self) -> Result<Terms, CaError> {
        let intermediates = self.certificates()?;
        Ok(Terms { anchors: self.anchors.clone(), intermediates, vouching: Vouching::OldKeys })
    }

    fn prepare(&mut self, order: &Order) -> Result<Prepared, CaError> {
        let thread =
            Thread { transaction: TransactionId::from_random(random()?), nonce: Nonce::from_random(random()?) };
        let message = message_to_sign(order, &thread)?;
        let mut to_sign = Vec::new();
        for job in message.to_sign() {
            let voucher = order.vouchers.get(job.signer).ok_or_else(|| CaError::Order("a signer too many".into()))?;
            to_sign.push(ToSign { voucher: voucher.role, algorithm: job.algorithm, digest: job.digest });
        }
        Ok(Prepared { context: thread.to_bytes(), to_sign })
    }

    fn prepare_first(&mut self, order: &Order, credentials: &Credentials) -> Result<Prepared, CaError> {
        let mut builder =
            FirstRequestBuilder::new(TransactionId::from_random(random()?), Nonce::from_random(random()?));
        for request in requests(order)? {
            builder = builder.request(request);
        }
        if let Some(password) = &credentials.revocation_password {
            let recipient = self.encryption_certificate()?;
            let sealed = SealedPassword::seal(password, &recipient);
            builder = builder.revocation_password(sealed.map_err(|error| CaError::Order(error.to_string()))?);
        }
        let proof = ProofKey::derive(Digest::Sha256, &credentials.one_time_password, &credentials.user);
        let message = builder.finalize(&credentials.user, &proof).map_err(|error| CaError::Order(error.to_string()))?;
        let role = |index: usize| order.requests.get(index).map(|request| request.role);
        let to_sign = message.to_sign().into_iter().map(|job| {
            let voucher = role(job.signer).ok_or_else(|| CaError::Order("a signer too many".into()))?;
            Ok(ToSign { voucher, algorithm: job.algorithm, digest: job.digest })
        });
        Ok(Prepared {
            to_sign: to_sign.collect::<Result<_, CaError>>()?,
            context: FirstContent(message.content().to_vec()).to_bytes(),
        })
    }

    fn seal(&mut self, order: &Order, prepared: &Prepared, signatures: &[Vec<u8>]) -> Result<Message, CaError> {
        let message = match FirstContent::from_bytes(&prepared.context) {
            Ok(FirstContent(content)) => FirstRequestBuilder::resume(&content, &requests(order)?)
                .map_err(|_| CaError::Foreign("it was made ready for another order"))?,
            Err(_) => message_to_sign(order, &Thread::from_bytes(&prepared.context)?)?,
        };
        message.assemble(signatures).map(Message).map_err(|error| CaError::Order(error.to_string()))
    }

    fn send(&mut self, message: &Message) -> Result<Answer, CaError> {
        let (thread, asked) = thread_of(&message.0)?;
        self.answer(&message.0, &thread, &asked)
    }

    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError> {
        match tokens::OwnedFetch::from_pick_up(pick_up)? {
            tokens::OwnedFetch::Again(message) => {
                let (thread, asked) = thread_of(&message)?;
                self.answer(&message, &thread, &asked)
            }
            tokens::OwnedFetch::Token { transaction, reply_to, token } => {
                let thread = Thread { transaction, nonce: Nonce::from_random(random()?) };
                let message = follow_up(&thread, reply_to).query_pending(&token);
                let message = message.map_err(|error| CaError::Order(error.to_string()))?;
                self.answer(&message, &thread, &Question::Token(token))
            }
        }
    }

    fn acknowledge(&mut self, receipt: &Receipt) -> Result<(), CaError> {
        let taken = tokens::OwnedTaken::from_receipt(receipt)?;
        let thread = Thread { transaction: taken.transaction, nonce: Nonce::from_random(random()?) };
        let message = follow_up(&thread, taken.reply_to).confirm_acceptance(taken.token.as_ref(), &taken.certificates);
        let message = message.map_err(|error| CaError::Order(error.to_string()))?;
        match self.ask(&message, &thread, Asked::Confirmation)? {
            Reply::Signed(FullResponse { answer: cmc::Answer::Confirmed, .. }) => Ok(()),
            Reply::Signed(FullResponse { answer: cmc::Answer::Refused { reason, text }, .. }) => {
                Err(CaError::Protocol(format!("it did not take the confirmation: {reason} {text}")))
            }
            _ => Err(CaError::Protocol("it did not answer the confirmation".into())),
        }
    }
}

/// What certificates are asked for by.
enum Question {
    /// The order itself, with these keys.
    Order(Vec<SubjectPublicKeyInfoOwned>),
    /// The token of an order that was pending.
    Token(PendToken),
}

impl Question {
    const fn token(&self) -> Option<&PendToken> {
        match self {
            Self::Order(_) => None,
            Self::Token(token) => Some(token),
        }
    }
}

enum Reply {
    Later(RetryAfter),
    Unsigned(Vec<Certificate>),
    Signed(FullResponse),
}

/// The same order and thread give the same bytes, today and after a crash.
fn message_to_sign(order: &Order, thread: &Thread) -> Result<MessageToSign, CaError> {
    let mut builder = FullRequestBuilder::new(thread.transaction.clone(), thread.nonce.clone());
    for request in requests(order)? {
        builder = builder.request(request);
    }
    let mut signers = Vec::new();
    for voucher in &order.vouchers {
        let algorithm =
            *voucher.algorithms.first().ok_or_else(|| CaError::Order("an old key that cannot sign".into()))?;
        signers.push(Signer { certificate: voucher.certificate.certificate().clone(), algorithm });
    }
    builder.finalize(&signers).map_err(|error| CaError::Order(error.to_string()))
}

/// The requests of an order, read.
fn requests(order: &Order) -> Result<Vec<CertificationRequest>, CaError> {
    let read = |der: &[u8]| CertificationRequest::from_der(der).map_err(|error| CaError::Order(error.to_string()));
    order.requests.iter().map(|request| read(&request.der)).collect()
}

/// The transaction and nonce of a message that was written down, and the keys in it.
fn thread_of(message: &[u8]) -> Result<(Thread, Question), CaError> {
    match Received::parse(message).map_err(|_| CaError::Foreign("no CMC message"))? {
        Received::Known(FullRequest { kind: Kind::Enroll(requests), transaction, nonce, .. })
        | Received::First(FirstRequest { requests, transaction, nonce, .. }) => {
            let keys = requests.iter().map(|(_, one)| one.public_key().clone()).collect();
            Ok((Thread { transaction, nonce }, Question::Order(keys)))
        }
        _ => Err(CaError::Foreign("not an order")),
    }
}

fn follow_up(thread: &Thread, reply_to: Option<Nonce>) -> FollowUp {
    let follow_up = FollowUp::new(thread.transaction.clone(), thread.nonce.clone());
    reply_to.map_or(follow_up.clone(), |nonce| follow_up.in_reply_to(nonce))
}

fn ders(certificates: &[Certificate]) -> Result<Vec<Vec<u8>>, CaError> {
    let parsed = certificates.iter().map(ParsedCertificate::try_from);
    parsed.map(|one| Ok(one.map_err(|error| CaError::Protocol(error.to_string()))?.der().to_vec())).collect()
}

fn est_error(error: EstError) -> CaError {
    match error {
        EstError::Refused { status, text } | EstError::ServerFailed { status, text } => {
            CaError::Status { status, text }
        }
        EstError::NotSupported { status } | EstError::UnexpectedStatus { status } => {
            CaError::Status { status, text: String::new() }
        }
        error => CaError::Server(error),
    }
}

fn random() -> Result<[u8; 16], CaError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| CaError::Random)?;
    Ok(bytes)
}
