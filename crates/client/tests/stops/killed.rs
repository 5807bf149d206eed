//! The process killed while SoftHSM is inside a call, and has written a part of its files.
//!
//! A step of a renewal runs in a process of its own, under strace: once to its end, which tells by which calls of the kernel SoftHSM
//! changes its files, and then once for each of them, where it is killed (SIGKILL) as it enters the call. SoftHSM writes the file of
//! an object anew for each of its attributes, and empties it before. Where what is on the token is the same as at an earlier point
//! (an object's file is empty again) it is not killed a second time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use obnova_card::TokenError;

use crate::{
    mortal::Mortal,
    report::report,
    rig::Rig as _,
    softhsm::{SoftHsmRig, TOKENS},
    table::well,
    task::Task,
    world::{Ended, Snapshot, World, no_try},
};

/// The folder of the world in which a process lives that is killed.
const LIVES_IN: &str = "OBNOVA_TEST_LIVES_IN";
const MISSING: &str = "strace is missing: apt-get install -y --no-install-recommends strace";

/// How a program changes files. SoftHSM does so by the first three; any other would be a new case for [`OnToken::apply`].
const CHANGES: &str = "ftruncate,write,unlink,unlinkat,truncate,pwrite64,writev,rename,renameat,renameat2";

/// Kills a life of this task at each change of SoftHSM's files, in those steps that are `chosen` by what the journal said last before
/// them, and goes on with the journal and without it. `test` is the test that calls this.
pub fn inside<T: Task<Rig = SoftHsmRig>>(test: &str, what: &str, chosen: impl Fn(&str) -> bool) {
    if let Some(folder) = std::env::var_os(LIVES_IN) {
        return live::<T>(folder.as_ref());
    }
    let begin = T::begin();
    let whole = Mortal::forever();
    assert_eq!(World::<T>::new(&begin, Mortal::forever()).live(&whole).unwrap(), Ended::Done);
    let mut count = Count::default();
    for (at, point) in whole.points().iter().enumerate() {
        let Some(facts) = point.strip_prefix("after journal ").filter(|facts| chosen(facts)) else { continue };
        let world = World::<T>::new(&begin, Mortal::forever());
        let _ = world.live(&Mortal::until(at));
        let step = Step { test, facts, begin: Snapshot::of(world), inside: "" };
        if let Some(begin) = step.killed::<T>(&mut count) {
            // What is left of that is destroyed, where it is gone on with: killed in the middle of that, too.
            let again = Step { begin, inside: "C_DestroyObject", ..step };
            again.killed::<T>(&mut count);
            assert!(count.calls.contains_key(again.inside), "nothing was destroyed: {:?}", count.calls);
        }
    }
    let Count { points, run, lost, calls } = count;
    assert!(run > 0, "nothing was killed");
    let calls: Vec<_> = calls.iter().map(|(call, count)| format!("{call} {count}")).collect();
    report(&format!(
        "{}, {}, killed inside a call that {what}: {points} points, {run} of them with something else on the token than at each \
         one before, and therefore gone on from with and without the journal: {}; SoftHSM has lost a file of its own at {lost}",
        T::Rig::NAME,
        T::WHAT,
        calls.join(", ")
    ));
}

/// A life in the process that is watched, which says what it passes.
fn live<T: Task<Rig = SoftHsmRig>>(folder: &Path) {
    let world = World::<T>::inhabit(folder);
    let life = Mortal::watched(|point| std::io::stderr().write_all(format!("{point}\n").as_bytes()).unwrap());
    well(world.live(&life), "a life that is watched");
}

#[derive(Default)]
struct Count {
    points: usize,
    run: usize,
    /// Those at which SoftHSM itself has lost a file.
    lost: usize,
    /// Those that were run, by the call of the module.
    calls: BTreeMap<String, usize>,
}

/// What is done between two records of the journal.
struct Step<'s> {
    test: &'s str,
    /// What the journal said last.
    facts: &'s str,
    begin: Snapshot,
    /// It is killed inside this function only, or everywhere.
    inside: &'s str,
}

impl Step<'_> {
    /// Kills it everywhere. Returns what the last one left that was killed while it made a key.
    fn killed<T: Task<Rig = SoftHsmRig>>(&self, count: &mut Count) -> Option<Snapshot> {
        let changes = self.recorded();
        let begin = OnToken::read(self.begin.path());
        // As it was before: the other stops have that.
        let (mut on_token, mut seen) = (begin.clone(), BTreeSet::from([begin.clone()]));
        let mut half_a_key = None;
        for (at, change) in changes.iter().enumerate() {
            // Its file was made already, by being opened.
            on_token.0.entry(change.path.clone()).or_default();
            let is_chosen = change.inside.0.starts_with(self.inside);
            count.points += usize::from(is_chosen);
            if seen.insert(on_token.clone()) && is_chosen {
                count.run += 1;
                *count.calls.entry(change.inside.name()).or_default() += 1;
                let place = self.killed_at(at, change);
                let Change { call, path, inside, .. } = change;
                let told = format!(
                    "killed after journal {} at {call} {at}, of {} in {}",
                    self.facts,
                    path.display(),
                    inside.0
                );
                if on_token.0[path] == Content::Empty && begin.0.contains_key(path) {
                    count.lost += 1;
                    self.lost::<T>(&told, &place, path);
                } else {
                    self.gone_on::<T>(&told, &place);
                }
                if change.inside.name() == "C_GenerateKeyPair" {
                    half_a_key = Some(place);
                }
            }
            on_token.apply(change);
        }
        half_a_key
    }

    /// What is changed on the token in this step.
    fn recorded(&self) -> Vec<Change> {
        let place = self.begin.copied();
        // Stopping at these calls only is quicker, but then nothing can be done at them.
        let (run, trace) = self.strace(&place, &["--seccomp-bpf"]);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&[run.stdout, run.stderr].concat()));
        changes(&trace)
    }

    /// What is left where the process is killed when it is about to change this.
    fn killed_at(&self, at: usize, change: &Change) -> Snapshot {
        let place = self.begin.copied();
        let kill = format!("inject={}:signal=SIGKILL:when={}", change.call, change.number);
        let (run, trace) = self.strace(&place, &["-e", &kill]);
        let told = format!("{}: {at}, {change:?}: {:?}", self.facts, run.status);
        assert_eq!(run.status.signal(), Some(9), "{told}: {}", String::from_utf8_lossy(&run.stderr));
        let changes = changes(&trace);
        let last = changes.last().unwrap();
        assert_eq!(
            (changes.len(), &last.call, &last.inside, last.bytes),
            (at + 1, &change.call, &change.inside, None),
            "{told}"
        );
        place
    }

    fn strace(&self, place: &Snapshot, options: &[&str]) -> (Output, String) {
        let notes = tempfile::NamedTempFile::new().unwrap();
        let run = Command::new("strace")
            .args(["-f", "-y", "-s", "100", "-e", &format!("trace={CHANGES}"), "-o"])
            .arg(notes.path())
            .args(options)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("softhsm::{}", self.test), "--nocapture", "--test-threads=1"])
            .env(LIVES_IN, place.path())
            .output()
            .expect(MISSING);
        (run, fs::read_to_string(notes.path()).unwrap())
    }

    fn gone_on<T: Task<Rig = SoftHsmRig>>(&self, told: &str, place: &Snapshot) {
        for way in ["with", "without"] {
            let told = format!("{told}, gone on {way} its journal");
            let world = World::<T>::new(place, Mortal::forever());
            world.assert_sound(&told, &no_try);
            if way == "without" {
                world.lose_journals();
            }
            let ended = well(world.live(&Mortal::forever()), &told);
            world.assert_whole(&told, &ended, &no_try);
        }
    }

    /// SoftHSM has emptied a file that was there before, and is dead: what was in it is gone, and nobody but a copy of its files brings
    /// it back. That is told; the copy is all that is needed.
    fn lost<T: Task<Rig = SoftHsmRig>>(&self, told: &str, place: &Snapshot, path: &Path) {
        let of_token = |place: &Snapshot| place.path().join("card").join(TOKENS).join(path);
        assert!(fs::read(of_token(place)).unwrap().is_empty(), "{told}");
        if path.ends_with("token.object") {
            // Without it the keys cannot be read either: SoftHSM does not show such a token.
            let world = World::<T>::new(place, Mortal::forever());
            let gone = world.rig().missing();
            assert!(matches!(&gone, TokenError::Module { call: "C_GetSlotList", .. }), "{told}: {gone:?}");
            assert!(gone.to_string().contains("no token fits the PKCS#11 URI: insert it"), "{told}: {gone}");
        } else {
            // A certificate that was being marked as superseded: the new pair is there, and the old keys are.
            let world = World::<T>::new(place, Mortal::forever());
            world.assert_keys_sound(told);
            well(world.live(&Mortal::forever()), told);
            world.assert_keys_sound(told);
            world.assert_issued_once(told);
        }
        fs::copy(of_token(&self.begin), of_token(place)).unwrap();
        self.gone_on::<T>(&format!("{told}, put back from a copy"), place);
    }
}

/// A call of the module, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Inside(String);

impl Inside {
    /// The function alone.
    fn name(&self) -> String {
        self.0.split(' ').next().unwrap_or_default().to_owned()
    }
}

/// A call of the kernel that changes a file of the token.
#[derive(Clone, Debug)]
struct Change {
    call: String,
    /// Of the calls of this name in its thread, from 1.
    number: usize,
    path: PathBuf,
    /// As many were written, if the call came to its end.
    bytes: Option<usize>,
    inside: Inside,
}

/// Those in the first step that is traced: until the journal is written.
fn changes(trace: &str) -> Vec<Change> {
    let (mut numbers, mut changes, mut inside) =
        (BTreeMap::<(&str, &str), usize>::new(), Vec::new(), Inside("nothing".into()));
    for line in trace.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let Some((call, rest)) = line.trim_start().split_once('(') else { continue };
        let number = numbers.entry((thread, call)).or_default();
        *number += 1;
        let said = rest.strip_prefix("2<").and_then(|rest| rest.split('"').nth(1));
        match said.and_then(|said| said.trim_end_matches("\\n").split_once(' ')) {
            Some(("before", point)) if point.starts_with("journal ") => break,
            Some(("before", point)) => inside = Inside(point.to_owned()),
            Some(("after", _)) => inside = Inside("nothing".to_owned()),
            _ => {}
        }
        // By its descriptor, or by its name, whose folder is found by a link then.
        let path = if call.starts_with("unlink") { rest.split('"').nth(1) } else { rest.split(['<', '>']).nth(1) };
        let Some((_, path)) = path.and_then(|path| path.split_once(&format!("/{TOKENS}/"))) else { continue };
        let bytes = rest.rsplit_once(" = ").and_then(|(_, bytes)| bytes.parse().ok());
        changes.push(Change {
            call: call.to_owned(),
            number: *number,
            path: path.into(),
            bytes,
            inside: inside.clone(),
        });
    }
    changes
}

/// What is on the token, as far as one moment can differ from another in the same step: each file, and by which change it is what it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct OnToken(BTreeMap<PathBuf, Content>);

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Content {
    #[default]
    Empty,
    /// As before the step.
    AsBefore,
    /// So many bytes, by this call of the module.
    Written(usize, String),
}

impl OnToken {
    fn read(place: &Path) -> Self {
        let tokens = place.join("card").join(TOKENS);
        let mut files = BTreeMap::new();
        for token in fs::read_dir(&tokens).unwrap().map(|token| token.unwrap().path()) {
            for file in fs::read_dir(token).unwrap().map(|file| file.unwrap().path()) {
                files.insert(file.strip_prefix(&tokens).unwrap().to_owned(), Content::AsBefore);
            }
        }
        Self(files)
    }

    fn apply(&mut self, change: &Change) {
        let Change { call, path, bytes, inside, .. } = change;
        let bytes = bytes.unwrap_or_else(|| panic!("it did not come about: {change:?}"));
        match call.as_str() {
            "ftruncate" => self.0.insert(path.clone(), Content::Empty),
            // Of these nothing changes but how often they were written.
            "write" if path.ends_with("token.object") || path.ends_with("generation") => {
                self.0.insert(path.clone(), Content::AsBefore)
            }
            "write" => self.0.insert(path.clone(), Content::Written(bytes, inside.0.clone())),
            "unlink" => self.0.remove(path),
            _ => panic!("what does that do? {change:?}"),
        };
    }
}
