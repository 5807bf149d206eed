//! Plays a process on a card of the simulator, with a CA that certifies what it is asked for at the second pick-up.

use std::{cell::RefCell, time::Duration};

use obnova_algorithm::{Digest, DigestValue};
use obnova_card::{Pin, Token};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{
    Action, Answer, Asked, Event, LinkAnswer, Message, Order, Pair, ParsedCertificate, PickUp, Plan, Policy, Prepared,
    Process, Receipt, Record, SlotView, Standing, ToSign, Vouching,
};

use super::{Draft, House, now, pin_for, view};

pub struct Play {
    pub house: House,
    pub token: Box<dyn Token>,
    pub vouching: Vouching,
    /// What the CA says to the link of a notice.
    pub link: LinkAnswer,
    /// What everybody is told of the old certificates.
    pub standing: Standing,
    pub process: Process,
    pub records: Vec<Record>,
    pub actions: Vec<&'static str>,
    /// What the CA has certified so far: asked again for the same key it gives the same certificate.
    pub issued: RefCell<Vec<ParsedCertificate>>,
    asked: u32,
}

impl Play {
    pub fn new(house: House, mut token: Box<dyn Token>) -> Self {
        let plan = Plan::make(&view(token.as_mut()), &Policy::twins(), now()).unwrap();
        Self::of(house, token, plan)
    }

    pub fn of(house: House, token: Box<dyn Token>, plan: Plan) -> Self {
        let (process, records) = Process::start("test-1", plan, now());
        Self {
            house,
            token,
            vouching: Vouching::OldKeys,
            link: LinkAnswer::Begun,
            standing: Standing::Good { by: "OCSP".into(), place: "http://status.example".into() },
            process,
            records,
            actions: Vec::new(),
            issued: RefCell::default(),
            asked: 0,
        }
    }

    /// Another process with the same card and CA, which knows nothing of this one.
    pub fn begin_again(self) -> Self {
        Self { issued: self.issued, ..Self::new(self.house, self.token) }
    }

    pub fn next(&self) -> Action {
        self.process.next(now() + Duration::from_secs(3600))
    }

    /// One action and its records; what ends is given back.
    pub fn step(&mut self) -> Option<Action> {
        let action = self.next();
        let Some(event) = self.perform(&action) else { return Some(action) };
        self.take(event);
        None
    }

    pub fn take(&mut self, event: Event) {
        let records = self.process.handle(event, now()).unwrap();
        self.records.extend(records);
    }

    pub fn run(&mut self) -> Action {
        for _ in 0..100 {
            if let Some(end) = self.step() {
                return end;
            }
        }
        panic!("no end: {:?}", self.actions)
    }

    /// As if the program had ended: only the journal is left.
    pub fn forget(&mut self) {
        self.process = Process::replay(&self.records).unwrap();
    }

    pub fn perform(&mut self, action: &Action) -> Option<Event> {
        self.actions.push(action.name());
        let pin = action.pin().map(|need| Pin::new(pin_for(need.password)));
        let token = self.token.as_mut();
        Some(match action {
            Action::AskStanding(asked) => Event::Standing(asked.map(|_, _| self.standing.clone())),
            Action::Ask(_) => Event::Agreed,
            Action::UseLink(_) => Event::Link(self.link),
            Action::LearnTerms => Event::Terms(obnova_renewal::Terms { vouching: self.vouching, ..self.house.terms() }),
            Action::Look => Event::Looked(token.slots().unwrap().into_iter().map(SlotView::from).collect()),
            Action::Generate { order, .. } => Event::KeyMade(token.generate(order, &pin?).unwrap()),
            Action::Sign { jobs, .. } => Event::Signed(token.sign(jobs, &pin?).unwrap()),
            Action::Prepare(order) => Event::Prepared(prepare(order)),
            Action::Seal { order, signatures, .. } => Event::Sealed(seal(order, signatures)),
            Action::Send(_) | Action::OverLogin { asked: Asked::Order(_), .. } => Event::Answered(Answer::Pending {
                pick_ups: vec![PickUp(b"token".to_vec())],
                retry_after: Duration::from_secs(60),
            }),
            Action::Wait { .. } => return None,
            Action::PickUp(_) | Action::OverLogin { .. } if self.asked == 0 => {
                self.asked += 1;
                Event::Answered(Answer::Pending { pick_ups: Vec::new(), retry_after: Duration::from_secs(60) })
            }
            Action::PickUp(_) | Action::OverLogin { .. } => {
                let certificates = self.issue();
                Event::Answered(Answer::Issued { certificates, receipt: Some(Receipt(b"receipt".to_vec())) })
            }
            Action::Install { jobs, superseded, .. } => {
                token.install(jobs, superseded, &pin?).unwrap();
                Event::Installed
            }
            Action::Acknowledge(_) => Event::Acknowledged,
            Action::ProveLogin { .. } => Event::LoggedIn("CN=Jana Nováková".into()),
            Action::Done(_) | Action::Failed(_) => return None,
        })
    }

    /// Certificates for what was requested.
    pub fn issue(&self) -> Vec<Vec<u8>> {
        let requests = self.process.requests().map(|(role, der)| {
            let request = CertificationRequest::from_der(der).unwrap();
            let mut issued = self.issued.borrow_mut();
            if let Some(known) = issued.iter().find(|one| one.public_key() == request.public_key()) {
                return known.der().to_vec();
            }
            let made = self.house.issue(&Draft::new(role, request.public_key().clone()));
            issued.push(made.clone());
            made.der().to_vec()
        });
        requests.collect()
    }
}

pub fn prepare(order: &Order) -> Prepared {
    let to_sign = order.vouchers.iter().map(|voucher| ToSign {
        voucher: voucher.role,
        algorithm: voucher.algorithms[0],
        digest: digest(order, voucher.algorithms[0].digest()),
    });
    Prepared { context: b"context".to_vec(), to_sign: to_sign.collect() }
}

pub fn seal(order: &Order, signatures: &[Vec<u8>]) -> Message {
    let requests = order.requests.iter().map(|request| request.der.clone());
    Message(requests.chain(signatures.iter().cloned()).collect::<Vec<_>>().concat())
}

fn digest(order: &Order, function: Digest) -> DigestValue {
    function.of(&order.requests.iter().map(|request| request.der.clone()).collect::<Vec<_>>().concat())
}

/// Slots of the new pair as they are on the card.
pub fn new_certificates(token: &mut dyn Token, plan: &Plan) -> Pair<usize> {
    let slots = token.slots().unwrap();
    Pair::from_fn(|role| {
        slots.iter().find(|slot| slot.id == plan.new.get(role).unwrap().slot).map_or(0, |slot| slot.certificates.len())
    })
}
