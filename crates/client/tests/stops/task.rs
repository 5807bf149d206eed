use std::{marker::PhantomData, path::Path, time::SystemTime};

use obnova_client::{CaConnection, CaError, EstConnection, RunError};
use obnova_renewal::{CardView, NotEligible, Plan, Policy};

use crate::{
    authority::{Authority, Wire},
    mortal::Mortal,
    rig::Rig,
    table::Lived,
    world::{Halt, Snapshot, World},
};

/// What is done with a card, and stopped.
pub trait Task: Sized {
    /// The kind of card.
    type Rig: Rig;

    /// What it is, for what is printed.
    const WHAT: &'static str;

    /// As the rig has it, or less.
    const EACH_POINT: bool = Self::Rig::EACH_POINT;

    /// The same for the lives in which the CA is killed too.
    const EACH_PAIR: bool = Self::EACH_POINT;

    /// Keys on the card at the end.
    const KEYS: usize;

    /// Whether the CA is told by a signature, when all is done, that what came is on the card: nothing else says so.
    const OWES_A_RECEIPT: bool = false;

    /// Whether a program that is stopped has a journal to go on with.
    const HAS_JOURNAL: bool = true;

    /// To its store the CA writes at least so often.
    const LEAST_WRITES: usize = 4;

    /// Certificates on a key that was certified.
    const ON_A_KEY: usize = 1;

    /// What is asked of the renewal, or of the first order.
    fn policy() -> Policy;

    /// The CA's policy.
    fn policy_of_ca() -> String;

    /// Makes what there is before anything is begun: the card in a folder of this, and what its holder was given.
    fn set_up(folder: &Path, authority: &Authority) {
        Self::Rig::personalise(&folder.join("card"), |keys| authority.certify(keys));
    }

    /// All that there is before anything is begun.
    fn begin() -> Snapshot {
        Snapshot::take::<Self>()
    }

    /// One life of the holder's program, with somebody who says whether it goes on where it cannot go on at once.
    fn live(world: &World<Self>, life: &Mortal, goes_on: &mut dyn FnMut(Halt) -> bool) -> Lived {
        world.order(life, goes_on)
    }

    /// What is begun with this card by that policy, if anything.
    fn plan(card: &CardView, policy: &Policy, now: SystemTime) -> Result<Plan, NotEligible> {
        Plan::make(card, policy, now)
    }

    /// The way to the CA, in the protocol that is spoken.
    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        let anchors = wire.authority.anchors();
        Ok(Box::new(EstConnection::new(wire, anchors)?))
    }

    /// What was planned, with what begins it.
    fn begun(_: Wire<'_>, _folder: &Path, plan: Plan) -> Result<Plan, RunError> {
        Ok(plan)
    }

    /// At the moment of a stop, beyond what always holds.
    fn assert_sound(_folder: &Path, _told: &str) {}

    /// At the end, beyond what always holds.
    fn assert_done(_: &Authority, _told: &str) {}

    /// After so many stops so many were told, without their journal, that their one-time password is used.
    fn assert_told(sent_to_the_link: usize, _stops: usize) {
        assert_eq!(sent_to_the_link, 0);
    }
}

/// Two new keys in place of two.
pub struct TwinRenewal<R>(PhantomData<R>);

impl<R: Rig> Task for TwinRenewal<R> {
    type Rig = R;

    const WHAT: &'static str = "a twin renewal";
    const KEYS: usize = 4;

    fn policy() -> Policy {
        Policy::twins()
    }

    fn policy_of_ca() -> String {
        obnova_ca::Policy::TEMPLATE.into()
    }
}
