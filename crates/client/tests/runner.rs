//! `twins` with a real card applet, a journal on disk and a CA that speaks its own protocol.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{
    Face, World, contains, everything_below, names,
    support::{AUTHENTICATION_PIN, Draft, Holder, House, SIGNATURE_PIN, now},
};
use obnova_card::{KeyRole, PasswordKind, Pin, Secret, Token, TokenError, Tries};
use obnova_client::{
    CaError, FileJournal, Journal, JournalError, MemoryJournal, PromptError, RunError, Runner, Seams, SharedToken,
    Turn, install_completion, look, share,
};
use obnova_renewal::{
    Because, Completion, Failure, Phase, Policy, Process, Record, Refusal, Stage, Standing, removable, removals,
};
use obnova_simulator::{Fault, FaultPlan};

#[test]
fn the_whole_way_with_each_pin_asked_for_by_its_reasons() {
    let mut world = World::new();
    let Turn::Done(summary) = world.run().unwrap() else { panic!() };
    world.assert_renewed();
    assert!(summary.logged_in_as.unwrap().contains("Jana"));
    let (authentication, signature) = (PasswordKind::AuthenticationPin, PasswordKind::SignaturePin);
    let expected = [
        (Some(Phase::NewKeys), authentication, 2),
        (Some(Phase::Requests), authentication, 2),
        (Some(Phase::Requests), signature, 2),
        (Some(Phase::Finish), authentication, 2),
        (Some(Phase::Finish), signature, 1),
    ];
    assert_eq!(world.face.prompts(), expected);
    assert_eq!(world.face.questions, ["plan"]);
    assert!(world.face.asked.iter().all(|one| one.tries == Tries::Known(3) && !one.was_wrong));
    assert_eq!((world.ca.sent.len(), world.ca.picked_up, world.ca.acknowledged), (1, 1, 1));
    let planned = world.with_runner(|runner| runner.process().plan().asks.len()).unwrap();
    assert_eq!(world.face.asked.len(), planned, "as often as the plan said");
}

#[test]
fn dropped_after_every_step_it_resumes_from_disk() {
    let steps = steps_of_a_whole_run();
    for stop in 0..steps {
        let mut world = World::new();
        world.steps(stop);
        let uses = world.face.uses().len();
        world.face = Face::default();
        assert!(matches!(world.run().unwrap(), Turn::Done(_)), "dropped after step {stop}");
        world.assert_renewed();
        assert_eq!(world.ca.sent.len(), 1, "dropped after step {stop}: ordered once");
        assert!(world.face.uses().len() <= 9, "{uses} uses before, {:?} after", world.face.uses());
    }
}

#[test]
fn a_program_that_ends_after_each_step_comes_to_the_end() {
    let mut world = World::new();
    let turn = (0..40).find_map(|_| match world.with_runner(|runner| runner.step()).unwrap().unwrap() {
        Turn::Went => None,
        end => Some(end),
    });
    assert!(matches!(turn, Some(Turn::Done(_))), "{turn:?}");
    world.assert_renewed();
    assert_eq!(world.ca.sent.len(), 1);
}

fn steps_of_a_whole_run() -> usize {
    let mut world = World::new();
    world.run().unwrap();
    world.face.progress.len()
}

#[test]
fn a_card_torn_at_every_command_resumes() {
    let begun = |faults: FaultPlan| {
        let mut world = World::new();
        world.with_runner(|_| ()).unwrap();
        world.holder.connection.with_card(|card| card.set_faults(faults));
        world
    };
    let commands = {
        let mut world = begun(FaultPlan::new());
        world.run().unwrap();
        world.holder.connection.with_card(|card| card.faults().seen())
    };
    assert!(commands > 30, "{commands}");
    for at in 1..=commands {
        for fault in [Fault::TearBefore, Fault::TearInside, Fault::TearAfter] {
            let told = format!("{fault:?} at command {at} of {commands}");
            let mut world = begun(FaultPlan::new().at(at, fault));
            assert!(world.run().is_err(), "{told}: nothing was torn");
            let resumed = world.run().unwrap_or_else(|error| panic!("{told}: {error}"));
            assert!(matches!(resumed, Turn::Done(_)), "{told}: {resumed:?}");
            world.assert_renewed();
        }
    }
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    for call in ["send", "pick-up", "acknowledge"] {
        let mut world = World::new();
        world.ca.loses.push(call);
        assert!(matches!(world.run(), Err(RunError::Ca(CaError::Timeout { .. }))), "{call}");
        assert!(matches!(world.run().unwrap(), Turn::Done(_)));
        world.assert_renewed();
        let first = &world.ca.sent[0];
        assert!(world.ca.sent.iter().all(|message| message == first), "the same message, byte for byte");
    }
}

#[test]
fn an_issuer_that_is_down_before_anything_was_done_leaves_the_card_alone() {
    let mut world = World::new();
    let before = look(world.token.lock().unwrap().as_mut()).unwrap();
    world.ca.down.push("terms");
    assert!(matches!(world.run(), Err(RunError::Ca(CaError::Unreachable { .. }))));
    assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), before);
    assert!(world.face.asked.is_empty(), "and no PIN was asked for");
}

#[test]
fn a_wrong_pin_is_asked_for_again_and_wiped() {
    let mut world = World::new();
    world.face.wrong = vec!["0000"];
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    let [first, second, ..] = world.face.asked.as_slice() else { panic!() };
    assert_eq!((first.tries, first.was_wrong), (Tries::Known(3), false));
    assert_eq!((second.tries, second.was_wrong), (Tries::Known(2), true));
    // The right one gave the tries back: whoever is asked next is told so.
    assert_eq!(world.face.asked[2].tries, Tries::Known(3));
    assert_eq!(first.uses, second.uses, "for the same reasons");
}

#[test]
fn the_last_try_is_never_spent_without_a_yes() {
    let mut world = World::new();
    world.face = Face { wrong: vec!["0000", "0000", "0000"], keeps_last_try: true, ..Face::default() };
    let error = world.run().unwrap_err();
    assert!(matches!(error, RunError::LastTryKept { password: PasswordKind::AuthenticationPin, .. }), "{error}");
    assert!(matches!(error, RunError::LastTryKept { tries: Tries::Known(1), was_wrong: true, .. }), "{error:?}");
    assert_eq!(world.face.last_tries, [(Tries::Known(1), true)], "the one just given was wrong");
    assert_eq!(world.face.asked.len(), 2, "it was not even asked for");
    let state = |world: &World| look(world.token.lock().unwrap().as_mut()).unwrap().passwords[0].state;
    assert_eq!(state(&world), obnova_card::PasswordState::Active(Tries::Known(1)));

    world.face = Face::default();
    assert!(matches!(world.run().unwrap(), Turn::Done(_)), "a clear yes spends it, here on the right PIN");
    assert_eq!(world.face.last_tries, [(Tries::Known(1), false)], "nothing was given yet");

    let mut world = World::new();
    world.face.wrong = vec!["0000", "0000", "0000"];
    let error = world.run().unwrap_err();
    assert!(matches!(error, RunError::Token(TokenError::WrongSecret { .. } | TokenError::Blocked { .. })), "{error}");
    assert_eq!(world.face.questions, ["plan", "last-try"]);
    assert_eq!(state(&world), obnova_card::PasswordState::Blocked);
    assert_eq!(world.face.asked.len(), 3, "and a blocked PIN is not asked for again");
}

#[test]
fn who_goes_away_at_a_prompt_comes_back_later() {
    let mut world = World::new();
    world.face.cancels = true;
    assert!(matches!(world.run(), Err(RunError::Prompt(PromptError::Cancelled))));
    world.face.cancels = false;
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.assert_renewed();
}

#[test]
fn a_no_to_the_plan_does_nothing() {
    let mut world = World::new();
    let before = look(world.token.lock().unwrap().as_mut()).unwrap();
    world.face.declines = true;
    assert_eq!(world.run().unwrap(), Turn::Failed(Failure::Declined));
    assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), before);
}

#[test]
fn no_secret_is_at_rest() {
    let mut world = World::new();
    world.face.wrong = vec!["wrongPIN"];
    world.run().unwrap();
    let written = everything_below(world.folder.path());
    assert!(written.len() > 5000);
    for secret in [AUTHENTICATION_PIN, SIGNATURE_PIN, "wrongPIN"] {
        assert!(!contains(&written, secret.as_bytes()), "{secret} was written down");
        let bytes = format!("{:?}", secret.as_bytes());
        assert!(!contains(&written, bytes.as_bytes()));
    }
}

#[test]
fn fetching_needs_no_card_and_the_wrong_card_is_refused() {
    let mut world = World::new();
    world.reach(Stage::PickUp);
    let mut journal = world.journal();
    let clock = || now();
    let mut face = Face::default();
    let mut seams =
        Seams { token: None, ca: &mut world.ca, prompt: &mut face, journal: &mut journal, login: None, clock: &clock };
    let mut runner = Runner::resume(Seams { token: None, ..seams }).unwrap();
    assert_eq!(runner.step().unwrap(), Turn::Went);
    assert_eq!(runner.process().stage(), Stage::Install);
    assert!(matches!(runner.step(), Err(RunError::NoCard)));
    drop(runner);

    let mut other = Holder::empty_card_with_serial("OBN00000002");
    Holder::personalise(&mut other, &world.ca.house, obnova_algorithm::KeyAlgorithm::P256, [1, 2], |_, _| {});
    let other = share(obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(other)));
    seams = Seams {
        token: Some(other),
        ca: &mut world.ca,
        prompt: &mut face,
        journal: &mut journal,
        login: None,
        clock: &clock,
    };
    let mut runner = Runner::resume(seams).unwrap();
    let error = runner.step().unwrap_err();
    assert!(matches!(&error, RunError::WrongCard { found, .. } if found == "OBN00000002"), "{error}");
    drop(runner);
    drop(journal);
    assert!(face.asked.is_empty(), "no PIN for a stranger");
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
}

#[test]
fn one_journal_is_one_process() {
    let mut world = World::new();
    world.reach(Stage::Send);
    let (plan, mut journal) = (world.plan(), world.journal());
    let clock = || now();
    let seams = Seams {
        token: Some(world.token.clone()),
        ca: &mut world.ca,
        prompt: &mut world.face,
        journal: &mut journal,
        login: None,
        clock: &clock,
    };
    assert!(matches!(Runner::begin(seams, "again", plan), Err(RunError::Begun)));
}

/// Fails to write once, then works.
struct FullDisk {
    inner: MemoryJournal,
    fails_at: usize,
    writes: usize,
}

impl Journal for FullDisk {
    fn append(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.writes += 1;
        if self.writes == self.fails_at {
            let error = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(JournalError::Io { path: "journal".into(), error });
        }
        self.inner.append(records)
    }

    fn records(&mut self) -> Result<Vec<Record>, JournalError> {
        self.inner.records()
    }
}

#[test]
fn what_could_not_be_written_down_has_no_consequences() {
    for fails_at in 2..16 {
        let mut world = World::new();
        let plan = world.plan();
        let mut journal = FullDisk { inner: MemoryJournal::default(), fails_at, writes: 0 };
        let (mut door, clock) = (common::Door, || now());
        let seams = Seams {
            token: Some(world.token.clone()),
            ca: &mut world.ca,
            prompt: &mut world.face,
            journal: &mut journal,
            login: Some(&mut door),
            clock: &clock,
        };
        let mut runner = Runner::begin(seams, "full", plan).unwrap();
        let error = runner.run().unwrap_err();
        assert!(matches!(error, RunError::Journal(_)), "{error}");
        let stage = runner.process().stage();
        assert!(matches!(runner.run().unwrap(), Turn::Done(_)), "there was room again at {stage}");
        drop(runner);
        world.assert_renewed();
        assert_eq!(names(&mut journal).iter().filter(|name| **name == "key-made").count(), 2);
    }
}

#[test]
fn mailed_files_finish_what_the_network_could_not() {
    let mut world = World::new();
    world.ca.down.push("pick-up");
    assert!(world.run().is_err());
    let files = world
        .with_runner(|runner| {
            let keys = runner.process().keys().unwrap();
            keys.map(|_, key| (*key).clone())
        })
        .unwrap();
    let house = &world.ca.house;
    let folder = tempfile::tempdir().unwrap();
    for (role, key) in files.iter() {
        let certificate = house.issue(&Draft::new(role, key.clone()));
        std::fs::write(folder.path().join(format!("{role}.cer")), certificate.der()).unwrap();
    }
    std::fs::write(folder.path().join("root.cer"), house.root.der()).unwrap();
    std::fs::write(folder.path().join("invoice.pem"), "not a certificate").unwrap();
    let found = obnova_client::read_mailed(&[folder.path().join("signature.cer")]).unwrap();
    assert_eq!(found.len(), 3);
    let turn = world.with_runner(|runner| {
        let matched = obnova_renewal::match_loose(found, &runner.process().keys().unwrap());
        runner.take_files(matched.into_certificates())?;
        runner.run()
    });
    assert!(matches!(turn.unwrap().unwrap(), Turn::Done(_)));
    world.assert_renewed();
}

/// Ordered here, fetched and put on the card by a program that has no journal, and closed at the CA.
fn installed_elsewhere() -> World {
    let mut world = World::new();
    world.reach(Stage::PickUp);
    let came = world.with_runner(|runner| runner.process().keys().unwrap().map(|_, key| (*key).clone())).unwrap();
    let house = &world.ca.house;
    let came: Vec<_> =
        came.iter().map(|(role, key)| house.issue(&Draft::new(role, key.clone())).der().to_vec()).collect();
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let completion = Completion::make(&card, &came, &Policy::twins(), &house.terms(), now()).unwrap();
    install_completion(&world.token, &mut Face::default(), &completion).unwrap();
    world.ca.is_closed = true;
    world.face = Face::default();
    world
}

#[test]
fn who_installed_elsewhere_is_done_here_too_and_the_journal_says_so() {
    let mut world = installed_elsewhere();
    let before = look(world.token.lock().unwrap().as_mut()).unwrap();
    let Turn::Done(summary) = world.run().unwrap() else { panic!("it is on the card") };
    assert!(summary.came_elsewhere && summary.proven.is_empty());
    world.assert_renewed();
    assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), before, "nothing was written");
    assert!(world.face.asked.is_empty() && world.face.questions.is_empty(), "and nothing asked");
    let written = names(&mut world.journal());
    assert_eq!(written[written.len() - 2..], ["failed", "found"]);
    assert_eq!(FileJournal::unfinished(world.folder.path(), now()).unwrap(), []);
    // Whoever looks once more is told the same, and the CA is not asked.
    let asked = world.ca.picked_up;
    assert_eq!(world.run().unwrap(), Turn::Done(summary));
    assert_eq!(world.ca.picked_up, asked);
}

/// Something else took the room since it was planned. Whatever front end drives it, nothing is asked for or ordered in vain; and once there is room
/// it goes on.
#[test]
fn what_there_is_no_room_for_any_more_is_neither_asked_for_nor_ordered() {
    let signature = KeyRole::Signature;
    for stage in [
        Stage::AskPlan,
        Stage::Terms,
        Stage::Generate(signature),
        Stage::Request(signature),
        Stage::Vouch,
        Stage::Send,
        Stage::PickUp,
        Stage::Install,
    ] {
        let mut world = World::new();
        world.reach(stage);
        world.holder.fill(&world.ca.house);
        world.face = Face::default();
        let (card, sent) = (look(world.token.lock().unwrap().as_mut()).unwrap(), world.ca.sent.len());
        let full = world.run().unwrap_err();
        assert!(matches!(full, RunError::NoRoom(Refusal::CardFull)), "{stage}: {full}");
        assert!(world.face.asked.is_empty() && world.face.questions.is_empty(), "{stage}");
        assert_eq!(world.ca.sent.len(), sent, "{stage}");
        assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), card, "{stage}: something was written");

        let old = removable(&card, now()).into_iter().filter(|one| one.because == Because::Superseded);
        let old: Vec<_> = old.collect();
        let names: Vec<_> = old.iter().map(|one| one.name.clone()).collect();
        let pin = Pin::new(Secret::from(AUTHENTICATION_PIN));
        world.holder.token().remove(&removals(&card, &old, &names).unwrap(), &pin).unwrap();
        assert!(matches!(world.run().unwrap(), Turn::Done(_)), "{stage}");
        assert_eq!(world.ca.sent.len(), 1, "{stage}");
    }
}

/// Who is refused without a card there is told the rest when he comes with it; so is who has a journal of before it was looked for.
#[test]
fn what_was_refused_without_the_card_is_found_with_it() {
    let mut world = installed_elsewhere();
    let resume = |world: &mut World, token: Option<SharedToken>| {
        let (mut journal, clock) = (world.journal(), || now());
        let seams = Seams {
            token,
            ca: &mut world.ca,
            prompt: &mut world.face,
            journal: &mut journal,
            login: None,
            clock: &clock,
        };
        Runner::resume(seams).unwrap().run().unwrap()
    };
    let other = share(Holder::new(&House::new("CN=Root")).token());
    for token in [None, Some(other)] {
        let refused = resume(&mut world, token);
        assert!(
            matches!(&refused, Turn::Failed(Failure::Refused { text, .. }) if text == "token-spent"),
            "{refused:?}"
        );
    }
    let journal = world.journal().records().unwrap();
    assert!(Process::replay(&journal).unwrap().may_have_come_elsewhere());
    let right = world.token.clone();
    let Turn::Done(summary) = resume(&mut world, Some(right)) else { panic!() };
    assert!(summary.came_elsewhere);
}

/// Stopped at each command to the card, and where the journal cannot be written: the refusal stands, and is gone on from.
#[test]
fn a_look_that_fails_after_a_refusal_ends_nothing() {
    let commands = {
        let mut world = installed_elsewhere();
        world.holder.connection.with_card(|card| card.set_faults(FaultPlan::new()));
        world.run().unwrap();
        world.holder.connection.with_card(|card| card.faults().seen())
    };
    assert!(commands > 3, "{commands}");
    for at in 1..=commands {
        let mut world = installed_elsewhere();
        world.holder.connection.with_card(|card| card.set_faults(FaultPlan::new().at(at, Fault::TearBefore)));
        let torn = world.run().unwrap();
        assert!(matches!(torn, Turn::Failed(Failure::Refused { .. })), "torn at command {at} of {commands}: {torn:?}");
        let Turn::Done(summary) = world.run().unwrap() else { panic!("torn at command {at} of {commands}") };
        assert!(summary.came_elsewhere);
    }
}

#[test]
fn what_is_revoked_is_not_renewed_and_neither_a_pin_nor_a_key_is_spent_on_it() {
    let (since, place) = (now(), || "http://status.example".to_owned());
    for standing in [
        Standing::Revoked { since, reason: "keyCompromise".into(), place: place() },
        Standing::OnHold { since, place: place() },
        Standing::NeverIssued { place: place() },
    ] {
        let mut world = World::new();
        let before = look(world.token.lock().unwrap().as_mut()).unwrap();
        world.ca.standing = standing.clone();
        let Turn::Failed(Failure::Unfit(unfit)) = world.run().unwrap() else { panic!("{standing:?}") };
        assert!(unfit.iter().all(|(_, one)| *one == standing) && unfit.len() == 2);
        assert!(world.face.asked.is_empty() && world.face.questions.is_empty(), "nothing was asked of the holder");
        assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), before, "the card is as it was");
        assert!(world.ca.sent.is_empty());
        // It is over, also for who reads the journal.
        assert!(world.with_runner(|runner| runner.process().is_over(now())).unwrap());
    }
}

#[test]
fn a_ca_that_cannot_be_reached_is_asked_again_and_what_nobody_tells_keeps_nobody() {
    let mut world = World::new();
    world.ca.down.push("standing");
    assert!(matches!(world.run(), Err(RunError::Ca(CaError::Unreachable { .. }))));
    assert!(world.face.asked.is_empty() && world.face.questions.is_empty());
    world.ca.down.clear();
    world.ca.standing = Standing::Unknown { problems: "nobody answers".into() };
    assert!(matches!(world.run().unwrap(), Turn::Done(_)));
    world.assert_renewed();
}
