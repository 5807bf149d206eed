//! A renewal that is begun by the link in the mail which says that certificates end. Looking uses nothing up, and whoever used it up
//! begins again with it, with the journal or without.

use std::{fs, marker::PhantomData, path::Path, time::SystemTime};

use obnova_ca::{Ca, LinkDesk, LinkError as Closed, LinkPurpose, LinkToken, NoticeDesk};
use obnova_client::{
    CaConnection, CaError, FileJournal, LinkError, RenewalLink, RunError,
    enroll::est::{Headers, HttpRequest, HttpResponse, Method},
};
use obnova_renewal::{Plan, Policy, Process, Stage};

use crate::{
    authority::{Authority, Wire},
    plain::Reenrollment,
    profile::ProfileRig,
    rig::Tear,
    table,
    task::{Task, TwinRenewal},
    tears,
    world::JOURNALS,
};

/// Where the link stands that was mailed.
const LINK: &str = "link";

/// What the link opens; `None` when the CA dies of it.
pub fn answer(
    (ca, links, notices): (&Ca, &LinkDesk, &NoticeDesk),
    link: &str,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    let (link, query) = link.split_once('?').unwrap_or((link, ""));
    let form = if request.method == Method::Post { std::str::from_utf8(&request.body).unwrap() } else { query };
    let attempt = form.strip_prefix("attempt=").unwrap().as_bytes();
    let (token, now) = (LinkToken::from_link(link).unwrap(), SystemTime::now());
    let opened = links.look_as(&token, LinkPurpose::Renew, attempt, now);
    let opened = opened.and_then(|open| match (notices.not_due(ca, &open.serials())?, &request.method) {
        (Some(not_due), _) => Err(not_due.into()),
        (None, Method::Post) => links.use_up(&token, LinkPurpose::Renew, attempt, now),
        (None, _) => Ok(open),
    });
    let (status, body) = match opened {
        Ok(open) => {
            let hex = |serial: &Vec<u8>| serial.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
            let serials: Vec<_> = open.serials().iter().map(hex).collect();
            (200, serde_json::json!({ "serials": serials }).to_string())
        }
        Err(Closed::Store(_)) => return None,
        Err(Closed::Unknown) => (404, String::new()),
        Err(_) => (410, String::new()),
    };
    Some(HttpResponse { status, headers: Headers::default(), body: body.into_bytes() })
}

/// A renewal, begun by a link.
pub struct Noticed<T>(PhantomData<T>);

impl<T: Task> Task for Noticed<T> {
    type Rig = T::Rig;

    const WHAT: &'static str = "a renewal that a link begins";
    const EACH_POINT: bool = T::EACH_POINT;
    const EACH_PAIR: bool = T::EACH_PAIR;
    const KEYS: usize = T::KEYS;

    fn policy() -> Policy {
        T::policy()
    }

    fn policy_of_ca() -> String {
        T::policy_of_ca()
    }

    fn set_up(folder: &Path, authority: &Authority) {
        T::set_up(folder, authority);
        fs::write(folder.join(LINK), authority.notice()).unwrap();
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        T::connect(wire)
    }

    fn begun(wire: Wire<'_>, folder: &Path, plan: Plan) -> Result<Plan, RunError> {
        let link = fs::read_to_string(folder.join(LINK)).unwrap();
        let authority = wire.authority;
        match RenewalLink::over(wire, &link).unwrap().plan(plan.clone()) {
            Ok(plan) => Ok(plan),
            // There is an order, of which nothing is left here: its holder is told to begin without the link.
            Err(LinkError::Over) if !authority.orders().is_empty() => Ok(plan),
            Err(LinkError::Ca(error)) => Err(error.into()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Nothing is used up before the holder has agreed, as is written down.
    fn assert_sound(folder: &Path, told: &str) {
        let agreed = FileJournal::list(&folder.join(JOURNALS)).unwrap().iter().any(|name| {
            let records = FileJournal::peek(&folder.join(JOURNALS), name).unwrap();
            let stage = Process::replay(&records).map(|process| process.stage());
            !matches!(stage, Err(_) | Ok(Stage::AskRisk | Stage::AskPlan))
        });
        let is_used = Authority::link_is_used(folder);
        let has_journal = folder.join(JOURNALS).exists();
        assert!(agreed || !is_used || !has_journal, "{told}: the link was used up before anybody agreed");
    }

    fn assert_done(authority: &Authority, told: &str) {
        assert!(Authority::link_is_used(authority.folder.parent().unwrap()), "{told}: the link is open still");
    }
}

type Twins = Noticed<TwinRenewal<ProfileRig>>;
type One = Noticed<Reenrollment<ProfileRig>>;

#[test]
fn stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<Twins>();
}

#[test]
fn torn_inside_each_command() {
    tears::torn::<Twins>(Tear::Inside);
}

#[test]
fn with_the_ca_killed_at_each_write() {
    tears::ca_killed::<Twins>();
}

#[test]
fn by_plain_est_stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<One>();
}

#[test]
fn by_plain_est_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<One>();
}
