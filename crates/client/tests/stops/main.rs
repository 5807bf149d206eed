//! Every stop: a whole twin renewal, or a first order, is run once to learn the points at which it can be stopped, and then once for each of
//! them. What is asserted afterwards is in [`world::World::assert_whole`].
//!
//! - [`mortal::Mortal`] is the life of a process: each effect that it has on the world (an APDU, an HTTP message, a record of
//!   the journal, a write to the CA's store) passes through it, before and after. At the chosen point it ends, and from there
//!   on every effect of this life refuses: nothing that the dying program still does has consequences. That is the death of a
//!   process, and the same one each time.
//! - [`rig::Rig`] is a kind of card: how one is made, put into a reader, and reached by a process with such a life. Another
//!   driver is one more `impl Rig` and a file of tests like [`profile`] and [`softhsm`].
//! - [`task::Task`] is what is done with it: [`same_key`] has a card whose keys are certified again; [`first`] one without
//!   certificates, whose holder was handed a one-time password; [`plain`] both by plain EST.
//! - [`authority::Authority`] is a real `obnova_ca::Ca` with its SQLite file, behind the real EST and CMC machines, with a
//!   life of its own; [`desk`] is its desk for first certificates.
//! - [`world::World`] has a card, a CA and a folder for journals, made from a snapshot; [`world::World::live`] is one life
//!   of the holder's program: it looks, begins or resumes, and goes on for as long as there is something to do.
//! - [`recorded::Recording`] is what a life passed, and which files it would have left behind at each point.
//! - [`link`] has those of the link in a mail, where there is no journal: until it is closed.
//! - [`notice`] has those of a renewal that is begun by the link in a notice.
//! - [`revocation`] has those of the end of a certificate, by CMC and by the [`page`].
//! - [`own_password`] has those of the revocation password that a holder sets.
//! - [`killed`] has a process that is killed for real, inside the calls of SoftHSM.
//! - [`table`] and [`tears`] have the loops over all points, for any rig.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod apdus;
mod authority;
mod desk;
mod first;
mod holder;
mod journal;
mod killed;
mod link;
mod mortal;
mod notice;
mod own_password;
mod page;
mod plain;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../../examples/renewal-app/tests/support/planted.rs"]
mod planted;
mod profile;
mod recorded;
#[path = "../../../card/tests/common/report.rs"]
mod report;
mod revocation;
mod rig;
mod same_key;
mod softhsm;
mod table;
mod task;
mod tears;
mod world;
