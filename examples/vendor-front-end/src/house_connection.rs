use std::{io::ErrorKind, time::Duration};

use der::Document;
use obnova_client::{
    CaConnection, CaError,
    card::KeyRole,
    renewal::{
        Answer, Message, Order as Ordered, Pair, ParsedCertificate, PickUp, Prepared, Receipt, Terms, ToSign, Vouching,
    },
};
use obnova_pkcs10::CertificationRequest;

use crate::{Order, OrderFolder, OrderNumber, Parcel, Statement, Tray, signed_by};

/// The way to the registration office: no network, a folder. This is all that the engine wants of a protocol.
///
/// | engine asks | what happens in the folder |
/// |---|---|
/// | `terms` | nothing: the office's root certificate came with the program |
/// | `prepare` | nothing yet: a number is drawn, the statement is written, both old keys are to sign it |
/// | `seal` | nothing yet: requests, statement and signatures become one [`Message`] |
/// | `send` | the parcel appears under `orders/NUMBER` |
/// | `pick_up` | `answers/NUMBER` is read; its [`PickUp`] is the number |
/// | `acknowledge` | a parcel appears under `receipts/NUMBER` |
#[derive(Clone, Debug)]
pub struct HouseConnection {
    folder: OrderFolder,
    root: ParsedCertificate,
}

/// The office looks into its folder a few times a day.
const LOOK_AGAIN: Duration = Duration::from_secs(3600);

impl HouseConnection {
    /// Through this folder, trusting this root for everything that comes back. The folder is no authority: whoever may
    /// write into it cannot issue anything.
    #[must_use]
    pub const fn new(folder: OrderFolder, root: ParsedCertificate) -> Self {
        Self { folder, root }
    }

    /// What lies in the folder for this number.
    fn answer(&self, number: OrderNumber) -> Result<Answer, CaError> {
        let Some(answer) = self.folder.take(Tray::Answers, number).map_err(|error| self.failed(error))? else {
            let known = self.folder.take(Tray::Orders, number).map_err(|error| self.failed(error))?;
            return match known {
                Some(_) => Ok(Answer::Pending { pick_ups: vec![pick_up(number)], retry_after: LOOK_AGAIN }),
                None => Err(CaError::Other("the order is not in the folder any more: ask the office".into())),
            };
        };
        if let Some(refusal) = answer.get(REFUSAL) {
            let (reason, text) = refusal.split_once('\n').unwrap_or((refusal, ""));
            return Ok(Answer::Refused { reason: reason.into(), text: text.trim_end().into() });
        }
        let certificates = answer.values().map(|pem| from_pem(pem)).collect::<Result<Vec<_>, _>>()?;
        let receipt = receipt(number, &certificates);
        Ok(Answer::Issued { certificates, receipt: Some(receipt) })
    }

    fn failed(&self, error: std::io::Error) -> CaError {
        match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::InvalidData => CaError::Protocol(error.to_string()),
            _ => CaError::Unreachable { server: self.folder.root().display().to_string(), problem: error.to_string() },
        }
    }
}

impl CaConnection for HouseConnection {
    fn terms(&mut self) -> Result<Terms, CaError> {
        Ok(Terms { anchors: vec![self.root.clone()], intermediates: Vec::new(), vouching: Vouching::OldKeys })
    }

    fn prepare(&mut self, order: &Ordered) -> Result<Prepared, CaError> {
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| CaError::Random)?;
        let number = OrderNumber::from_random(random);
        let statement = statement(order, number)?.to_text();
        let mut to_sign = Vec::new();
        for voucher in &order.vouchers {
            let algorithm =
                signed_by(voucher.certificate.public_key()).map_err(|error| CaError::Order(error.to_string()))?;
            if !voucher.algorithms.contains(&algorithm) {
                return Err(CaError::Order(format!("the card does not sign by {algorithm}, as the office wants")));
            }
            let digest = algorithm.digest().of(statement.as_bytes());
            to_sign.push(ToSign { voucher: voucher.role, algorithm, digest });
        }
        // The statement follows from order and number: the number is enough to write it again, in another process.
        Ok(Prepared { context: number.as_bytes().to_vec(), to_sign })
    }

    fn seal(&mut self, order: &Ordered, prepared: &Prepared, signatures: &[Vec<u8>]) -> Result<Message, CaError> {
        let number = OrderNumber::from_bytes(&prepared.context).ok_or(CaError::Foreign("no order number"))?;
        let signature = |role| {
            let index = prepared.to_sign.iter().position(|job| job.voucher == role)?;
            signatures.get(index).cloned()
        };
        let order = Order {
            requests: Pair::try_from_fn(|role| {
                CertificationRequest::from_der(request(order, role)?).map_err(|error| CaError::Order(error.to_string()))
            })?,
            statement: statement(order, number)?.to_text(),
            signatures: Pair::from_fn(signature),
        };
        let parcel = order.to_parcel().map_err(|error| CaError::Order(error.to_string()))?;
        serde_json::to_vec(&(number.to_string(), parcel)).map(Message).map_err(|error| CaError::Other(error.into()))
    }

    fn send(&mut self, message: &Message) -> Result<Answer, CaError> {
        let foreign = || CaError::Foreign("no parcel with an order");
        let (number, parcel): (String, Parcel) = serde_json::from_slice(&message.0).map_err(|_| foreign())?;
        let number = number.parse().map_err(|_| foreign())?;
        self.folder.put(Tray::Orders, number, &parcel).map_err(|error| self.failed(error))?;
        self.answer(number)
    }

    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError> {
        self.answer(OrderNumber::from_bytes(&pick_up.0).ok_or(CaError::Foreign("no order number"))?)
    }

    fn acknowledge(&mut self, receipt: &Receipt) -> Result<(), CaError> {
        let foreign = || CaError::Foreign("no receipt of an order");
        let (number, text) = receipt.0.split_at_checked(16).ok_or_else(foreign)?;
        let number = OrderNumber::from_bytes(number).ok_or_else(foreign)?;
        let text = String::from_utf8(text.to_vec()).map_err(|_| foreign())?;
        let parcel = Parcel::from([(RECEIPT.to_owned(), text)]);
        self.folder.put(Tray::Receipts, number, &parcel).map_err(|error| self.failed(error))
    }
}

/// In an answer: why the office will not. The first line is the name of the reason, the rest is for people.
pub(crate) const REFUSAL: &str = "refusal.txt";
/// In a receipt: the serial numbers of the certificates that arrived, one a line.
pub(crate) const RECEIPT: &str = "receipt.txt";

fn statement(order: &Ordered, number: OrderNumber) -> Result<Statement, CaError> {
    let requests = Pair::try_from_fn(|role| request(order, role))?;
    let replaces = Pair::try_from_fn(|role| {
        let voucher = order.voucher(role);
        let voucher = voucher.ok_or_else(|| CaError::Order(format!("the old {role} key cannot vouch")))?;
        Ok::<_, CaError>(voucher.certificate.serial())
    })?;
    Ok(Statement::about(number, requests, replaces))
}

fn request(order: &Ordered, role: KeyRole) -> Result<&[u8], CaError> {
    let request = order.request(role).ok_or_else(|| CaError::Order(format!("the {role} request is missing")))?;
    Ok(&request.der)
}

fn pick_up(number: OrderNumber) -> PickUp {
    PickUp(number.as_bytes().to_vec())
}

/// Everything that [`CaConnection::acknowledge`] needs, perhaps in another process.
fn receipt(number: OrderNumber, certificates: &[Vec<u8>]) -> Receipt {
    let certificates = certificates.iter().filter_map(|der| ParsedCertificate::from_der(der).ok());
    let serials: String = certificates.map(|certificate| certificate.serial() + "\n").collect();
    Receipt([number.as_bytes(), serials.as_bytes()].concat())
}

fn from_pem(pem: &str) -> Result<Vec<u8>, CaError> {
    match Document::from_pem(pem) {
        Ok(("CERTIFICATE", der)) => Ok(der.as_bytes().to_vec()),
        _ => Err(CaError::Protocol("a file that should be a certificate in PEM is none".into())),
    }
}
