use std::{
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use der::{EncodePem as _, pem::LineEnding};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, verify};
use obnova_ca::{
    Ca, CaError, CaKey, CertificateId, FirstPair, IssueError, IssuedCertificate, Issuer, Outcome, PickUpSecret, Policy,
    ReceivedCertificate, Refusal, SqliteStore, Transaction, store::OrderState,
};
use obnova_client::renewal::{Pair, ParsedCertificate};
use x509_cert::Certificate;

mod error;

pub use error::{HouseError, Objection};

use crate::{Order, OrderFolder, OrderNumber, Parcel, Statement, Tray, house_connection, house_policy, signed_by};

/// The registration office and its CA: goes through the order folder, and keeps its own register.
///
/// What is of the house is the protocol: the folder, the statement, who must sign it. What every CA must see to (both
/// requests good or neither, the same order again is the same order, old certificates valid, names unchanged) is
/// `obnova_ca`'s, and so are the certificates.
pub struct HouseCa {
    ca: Ca,
    root: ParsedCertificate,
    folder: OrderFolder,
}

/// What the office did about one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// Entered in the register; an officer has to look at it.
    Entered,
    /// Both certificates were put into the folder.
    Issued,
    /// It was refused, for the reason of this name.
    Refused(String),
    /// The holder's receipt was taken; the order is closed.
    Closed,
}

impl HouseCa {
    /// Opens the office in its own directory, which nobody else can read; makes key, root certificate and register when
    /// they are not there.
    ///
    /// # Errors
    /// [`HouseError`].
    pub fn open(directory: &Path, folder: OrderFolder, now: SystemTime) -> Result<Self, HouseError> {
        let issuer = issuer(directory, now)?;
        let root = ParsedCertificate::from_der(&issuer.root().der)?;
        let store = SqliteStore::open(&directory.join("register.sqlite"))?;
        // Pick-up tokens of obnova-ca are not given out: here the order's number picks up.
        let secret = PickUpSecret::generate()?;
        Ok(Self {
            ca: Ca::new(Policy::from_toml(house_policy::CA_POLICY)?, issuer, secret, Box::new(store)),
            root,
            folder,
        })
    }

    /// The root certificate, which the front end is delivered with.
    #[must_use]
    pub const fn root(&self) -> &ParsedCertificate {
        &self.root
    }

    /// Certifies the keys of a new card, for a holder who was identified at the counter.
    ///
    /// # Errors
    /// [`HouseError`].
    pub fn first_pair(
        &self,
        holder: &str,
        email: &str,
        keys: Pair<SubjectPublicKeyInfoOwned>,
        (not_before, not_after): (SystemTime, SystemTime),
    ) -> Result<Pair<Vec<u8>>, HouseError> {
        let [authentication, signature] = self.ca.issue_first_pair(&FirstPair {
            subject: holder.parse().map_err(IssueError::from)?,
            email: email.into(),
            authentication: keys.authentication,
            signature: keys.signature,
            not_before,
            not_after,
        })?;
        Ok(Pair { authentication: authentication.der, signature: signature.der })
    }

    /// Goes through the folder once: takes receipts, enters new orders, answers what can be answered. It may be
    /// interrupted anywhere and run again; what was done is not done twice.
    ///
    /// # Errors
    /// [`HouseError`], when the office itself fails. What is wrong with an order is an answer to it.
    pub fn work(&self, now: SystemTime) -> Result<Vec<(OrderNumber, Done)>, HouseError> {
        let mut done = Vec::new();
        for number in self.folder.numbers(Tray::Receipts)? {
            done.extend(self.close(number, now)?.then_some((number, Done::Closed)));
        }
        let answered = self.folder.numbers(Tray::Answers)?;
        for number in self.folder.numbers(Tray::Orders)? {
            if !answered.contains(&number) {
                done.extend(self.answer(number, now)?.map(|what| (number, what)));
            }
        }
        Ok(done)
    }

    /// Numbers of the orders that wait for an officer.
    ///
    /// # Errors
    /// [`HouseError`].
    pub fn waiting(&self) -> Result<Vec<OrderNumber>, HouseError> {
        let waiting = self.ca.list(Some(OrderState::Pending), 100)?;
        Ok(waiting.iter().filter_map(|order| OrderNumber::from_bytes(order.transaction.as_bytes())).collect())
    }

    /// The officer's yes: both certificates are made and entered in the register, in one transaction.
    ///
    /// # Errors
    /// [`HouseError`].
    pub fn approve(&self, number: OrderNumber, now: SystemTime) -> Result<(), HouseError> {
        self.ca.approve(&transaction(number)?, now)?;
        Ok(())
    }

    /// Certificates that were issued in orders so far.
    ///
    /// # Errors
    /// [`HouseError`].
    pub fn issued(&self) -> Result<usize, HouseError> {
        Ok(self.ca.list(None, 1000)?.iter().map(|order| order.certificates.len()).sum())
    }

    fn answer(&self, number: OrderNumber, now: SystemTime) -> Result<Option<Done>, HouseError> {
        let order = match self.read(number) {
            Err(HouseError::Objection(objection)) => {
                return self.refuse(number, objection.name(), &objection.to_string());
            }
            order => order?,
        };
        let is_new = self.ca.order(&order.transaction)?.is_none();
        match self.ca.place(&order, None, now) {
            Ok(Outcome::Pending { .. }) => Ok(is_new.then_some(Done::Entered)),
            Ok(Outcome::Issued(certificates)) => self.hand_out(number, &certificates),
            Err(CaError::Refused(refusal)) => self.refuse(number, refusal.name(), &refusal.to_string()),
            Err(error) => Err(error.into()),
        }
    }

    /// An order in the form that the CA takes: parsed, and its statement signed by those who must.
    fn read(&self, number: OrderNumber) -> Result<obnova_ca::Order, HouseError> {
        let parcel = self.folder.take(Tray::Orders, number).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Objection::Parcel(error.to_string()).into(),
            _ => HouseError::from(error),
        })?;
        let parcel = parcel.unwrap_or_default();
        let order = Order::from_parcel(&parcel).map_err(Objection::from)?;
        let signers = self.signers(number, &order)?;
        Ok(obnova_ca::Order {
            transaction: transaction(number)?,
            message: serde_json::to_vec(&parcel).map_err(io::Error::from)?,
            requests: vec![order.requests.authentication, order.requests.signature],
            signers,
        })
    }

    /// The certificates of both old keys, when both signed the right statement.
    fn signers(&self, number: OrderNumber, order: &Order) -> Result<Vec<ReceivedCertificate>, HouseError> {
        let statement = Statement::from_text(&order.statement).ok_or(Objection::Statement)?;
        let requests = Pair::from_fn(|role| order.requests.get(role).der());
        if statement != Statement::about(number, requests, statement.replaces.clone()) {
            return Err(Objection::Statement.into());
        }
        let mut signers = Vec::new();
        for (role, serial) in statement.replaces.iter() {
            let certificate = self.certificate(serial)?.ok_or(Objection::UnknownCertificate(role))?;
            let signature = order.signatures.get(role).as_ref().ok_or(Objection::MissingSignature(role))?;
            let key = certificate.tbs_certificate().subject_public_key_info();
            signed_by(key)
                .ok()
                .and_then(|algorithm| verify(key, algorithm, order.statement.as_bytes(), signature).ok())
                .ok_or(Objection::ForeignSignature(role))?;
            let certificate = ReceivedCertificate::try_from(&certificate);
            signers.push(certificate.map_err(|_| Objection::UnknownCertificate(role))?);
        }
        Ok(signers)
    }

    /// A certificate of the register, by its serial number in hexadecimal digits.
    fn certificate(&self, serial: &str) -> Result<Option<Certificate>, HouseError> {
        // A name of obnova-ca's has the same form: bytes in hexadecimal digits.
        let Ok(serial) = serial.parse::<Transaction>() else { return Ok(None) };
        let Some(found) = self.ca.certificate(serial.as_bytes())? else { return Ok(None) };
        Ok(Some(IssuedCertificate::from_der(&found.der).map_err(IssueError::from)?.certificate))
    }

    fn hand_out(&self, number: OrderNumber, certificates: &[IssuedCertificate]) -> Result<Option<Done>, HouseError> {
        let mut parcel = Parcel::new();
        for (role, issued) in Pair::ROLES.into_iter().zip(certificates) {
            let pem = issued.certificate.to_pem(LineEnding::LF).map_err(IssueError::from)?;
            parcel.insert(format!("{role}.pem"), pem);
        }
        self.folder.put(Tray::Answers, number, &parcel)?;
        Ok(Some(Done::Issued))
    }

    fn refuse(&self, number: OrderNumber, name: &str, text: &str) -> Result<Option<Done>, HouseError> {
        let refusal = format!("{name}\n{text}\n");
        self.folder.put(Tray::Answers, number, &Parcel::from([(house_connection::REFUSAL.to_owned(), refusal)]))?;
        Ok(Some(Done::Refused(name.to_owned())))
    }

    /// Whether a receipt closed its order. One that names other certificates closes nothing.
    fn close(&self, number: OrderNumber, now: SystemTime) -> Result<bool, HouseError> {
        let transaction = transaction(number)?;
        let open = self.ca.order(&transaction)?.is_some_and(|order| order.state == OrderState::Issued);
        let receipt = match self.folder.take(Tray::Receipts, number) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            receipt => receipt?.filter(|_| open),
        };
        let Some(text) = receipt.as_ref().and_then(|receipt| receipt.get(house_connection::RECEIPT)) else {
            return Ok(false);
        };
        let mut named = Vec::new();
        for serial in text.lines() {
            named.extend(self.certificate(serial)?.as_ref().map(CertificateId::from));
        }
        match self.ca.confirm(&transaction, None, &named, now) {
            Ok(()) => Ok(true),
            Err(CaError::Refused(Refusal::WrongReceipt)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The CA's key and root certificate, from their files or new.
fn issuer(directory: &Path, now: SystemTime) -> Result<Issuer, HouseError> {
    let (key_file, root_file) = (directory.join("house.key"), directory.join("house.der"));
    if root_file.exists() {
        let root = IssuedCertificate::from_der(&std::fs::read(root_file)?).map_err(IssueError::from)?;
        return Ok(Issuer::new(CaKey::load(&key_file)?, root, Vec::new())?);
    }
    std::fs::create_dir_all(directory)?;
    let key = if key_file.exists() { CaKey::load(&key_file)? } else { CaKey::generate(KeyAlgorithm::P384)? };
    if !key_file.exists() {
        key.save(&key_file)?;
    }
    let name = "CN=Registracni misto Sever CA,O=Registracni misto Sever,C=CZ".parse().map_err(IssueError::from)?;
    let issuer = Issuer::self_signed(key, &name, now - 2 * YEAR, now + 18 * YEAR)?;
    std::fs::write(root_file, &issuer.root().der)?;
    Ok(issuer)
}

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

fn transaction(number: OrderNumber) -> Result<Transaction, HouseError> {
    Transaction::new(number.as_bytes()).ok_or_else(|| io::Error::other("an order number without digits").into())
}
