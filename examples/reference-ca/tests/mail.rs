//! Mails of the CA: into a folder, to a relay (aiosmtpd) with and without TLS, refused, torn.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "common/relay.rs"]
mod relay;

use std::{
    cell::Cell,
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::channel,
    },
    time::{Duration, SystemTime},
};

use common::World;
use obnova_ca::{
    LinkPurpose, LinkToken, Mail, MailKind, MailLink, Outbox, Text,
    store::{MailState, Posted, Retried},
};
use obnova_reference_ca::{
    House, house,
    mail::{Delivery, Postman},
};
use relay::Relay;

const MINUTE: Duration = Duration::from_secs(60);

fn mail(key: &str) -> Mail {
    let text = Text { subject: "Certifikáty končí".into(), body: "Dobrý den\n\nFrom here:\n{link}\n.\n".into() };
    let link = MailLink::Signed {
        purpose: LinkPurpose::Confirm,
        about: key.as_bytes().to_vec(),
        expires: SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000),
    };
    let mail = Mail::new(key, MailKind::Confirm, "jana@example.cz".parse().unwrap(), text).unwrap();
    mail.named("Jana \"J\" Nováková").unwrap().with_link(link)
}

/// A CA in a folder, and a way to say how it mails.
struct Place {
    directory: tempfile::TempDir,
    house: Arc<House>,
    outbox: Outbox,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("ca");
        house::init(&home, &house::InitOptions::default(), SystemTime::now()).unwrap();
        let house = Arc::new(House::open(&home).unwrap());
        let outbox = house.outbox().unwrap();
        Self { directory, house, outbox }
    }

    fn home(&self) -> PathBuf {
        self.directory.path().join("ca")
    }

    fn relay(&self, arguments: &[&str]) -> Relay {
        Relay::start(&self.directory.path().join("relay"), arguments)
    }

    fn config(&self, rest: &str) {
        let text = format!("version = 1\nfrom = \"ca@example.cz\"\nbase = \"https://ca.example.cz\"\n{rest}");
        fs::write(self.home().join("mail.toml"), text).unwrap();
    }

    /// (sent, not sent)
    fn deliver(&self, now: SystemTime) -> (usize, usize) {
        let delivered = Postman::new(self.house.clone()).unwrap().deliver(&|| now, &|_| {}).unwrap();
        (delivered.sent, delivered.failed)
    }

    fn state(&self) -> (MailState, String) {
        let mail = self.outbox.list(None, 1).unwrap().remove(0);
        (mail.state, mail.problem.unwrap_or_default())
    }

    fn secret(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// What Python's mail parser, which nobody here wrote, reads in a mail: headers as words, then the text.
fn parsed(mail: &str) -> String {
    let script = "import email, email.policy, sys\n\
        m = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
        assert not m.defects, m.defects\n\
        print(m['from'], m['to'], m['subject'], m['message-id'], m['date'], m['auto-submitted'], m.get_content(), sep='\\n')";
    let mut python = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut python.stdin.take().unwrap(), mail.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

#[test]
fn a_mail_is_a_file_of_its_owners_once() {
    let place = Place::new();
    let now = SystemTime::now();
    assert_eq!(place.outbox.post(&mail("notice/21/aa"), now).unwrap(), Posted::Queued);
    assert_eq!(place.outbox.post(&mail("notice/21/aa"), now).unwrap(), Posted::Known);
    assert_eq!(place.deliver(now), (1, 0));
    assert_eq!(place.outbox.post(&mail("notice/21/aa"), now).unwrap(), Posted::Known);
    assert_eq!(place.deliver(now + 1000 * MINUTE), (0, 0));
    let folder = place.house.mail_folder();
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(text.lines().all(str::is_ascii), "{text}");
    let read = parsed(&text);
    assert!(read.contains("\"Jana \\\"J\\\" Nováková\" <jana@example.cz>\nCertifikáty končí\n<"), "{read}");
    assert!(read.contains("\nauto-generated\nDobrý den\n\nFrom here:\nhttps://127.0.0.1:8443/confirm/"), "{read}");
    // The link opens what it is about; and stands neither in the database nor in what is beside it.
    let link = read.lines().find_map(|line| line.split_once("/confirm/")).unwrap().1;
    let desk = place.house.link_desk().unwrap();
    let token = LinkToken::from_link(link).unwrap();
    assert_eq!(desk.look(&token, LinkPurpose::Confirm, now).unwrap().about, b"notice/21/aa");
    for file in ["ca.db", "ca.db-wal"] {
        let bytes = fs::read(place.home().join(file)).unwrap();
        let tag = &link[32..];
        let raw: Vec<u8> = (0..40).step_by(2).map(|at| u8::from_str_radix(&tag[at..at + 2], 16).unwrap()).collect();
        assert!(!bytes.windows(40).any(|part| part == tag.as_bytes()), "{file}");
        assert!(!bytes.windows(20).any(|part| part == raw), "{file}");
    }
}

#[test]
fn a_fault_that_breaks_one_round_off_is_told_and_ends_no_other() {
    let place = Place::new();
    place.outbox.post(&mail("notice/21/aa"), SystemTime::now()).unwrap();
    let (tell, told) = channel();
    let asked = AtomicUsize::new(0);
    let clock = move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => panic!("planted"),
        _ => SystemTime::now(),
    };
    // Without its thread the log is gone, and nothing comes any more.
    let log = move |line: &str| drop(tell.send(line.to_owned()));
    let rounds = Postman::new(place.house.clone()).unwrap().start(Arc::new(clock), Arc::new(log)).unwrap();
    assert!(told.recv().unwrap().contains("broke a round off"));
    assert_eq!(told.recv().unwrap(), "mail 1 confirm sent");
    drop(rounds);
}

#[test]
fn a_relay_takes_mails_as_they_are() {
    let place = Place::new();
    let relay = place.relay(&[]);
    place.config(&format!(
        "from_name = \"CA Příklad\"\n[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n",
        relay.port
    ));
    let now = SystemTime::now();
    for key in ["notice/21/aa", "notice/7/aa"] {
        place.outbox.post(&mail(key), now).unwrap();
    }
    assert_eq!(place.deliver(now), (2, 0));
    assert_eq!(place.deliver(now), (0, 0));
    let taken = relay.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(relay.envelope(1), ["ca@example.cz", "jana@example.cz", "plain"]);
    let read = parsed(&taken[0]);
    assert!(read.starts_with("CA Příklad <ca@example.cz>\n"), "{read}");
    assert!(read.contains("https://ca.example.cz/confirm/") && read.trim_end().ends_with("\n."), "{read}");
}

#[test]
fn tls_and_a_login_are_as_the_file_says_or_nothing_is_sent() {
    let place = Place::new();
    let home = place.home();
    let tls = relay::tls(&home);
    let known = home.join("known.password");
    fs::write(&known, "long and secret\n").unwrap();
    let now = SystemTime::now();
    for (number, mode) in ["starttls", "implicit"].into_iter().enumerate() {
        let mut arguments: Vec<&str> = tls.iter().map(String::as_str).collect();
        arguments.extend(["--login", "obnova", known.to_str().unwrap()]);
        arguments.extend((mode == "implicit").then_some("--implicit"));
        let relay = Relay::start(&place.directory.path().join(mode), &arguments);
        let config = |trust: &str, password: &str| {
            place.secret("relay.password", password);
            place.config(&format!(
                "[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"{mode}\"\ntrust = \"{trust}\"\nuser = \"obnova\"\npassword_file = \"relay.password\"\n",
                relay.port
            ));
        };
        place.outbox.post(&mail(mode), now).unwrap();
        // Somebody else's certificate vouches for nobody here.
        let other = Place::new();
        fs::copy(other.home().join("root.pem"), home.join("other.pem")).unwrap();
        config("other.pem", "long and secret\n");
        assert_eq!(place.deliver(now), (0, 1));
        let (state, problem) = place.state();
        assert!(state == MailState::Waiting && problem.to_lowercase().contains("certificate"), "{problem}");
        config("root.pem", "wrong and secret\n");
        assert_eq!(place.deliver(now + MINUTE), (0, 1));
        let (state, problem) = place.state();
        // What the relay said more was the password.
        assert_eq!(problem, "the relay does not take the login that mail.toml names: 535 5.7.8", "{mode}");
        assert_eq!(state, MailState::Waiting, "{mode}: it is not the mail that was refused");
        assert_eq!(place.outbox.retry(number as i64 + 1, now).unwrap(), Retried::Again);
        config("root.pem", "long and secret\n");
        assert_eq!(place.deliver(now), (1, 0), "{mode} {:?}", place.state());
        assert_eq!(relay.envelope(1)[2], "tls");
    }
    // A relay that offers no STARTTLS gets nothing.
    let relay = place.relay(&[]);
    place.config(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"starttls\"\ntrust = \"root.pem\"\n",
        relay.port
    ));
    place.outbox.post(&mail("plain"), now).unwrap();
    assert_eq!(place.deliver(now), (0, 1));
    assert!(relay.taken().is_empty());
}

/// It is read for each mail and kept by nobody.
#[test]
fn a_password_that_was_changed_is_used_at_once() {
    let place = Place::new();
    let known = place.directory.path().join("known");
    fs::write(&known, "of this year\n").unwrap();
    let relay = place.relay(&["--login", "obnova", known.to_str().unwrap()]);
    let port = relay.port;
    place.config(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nuser = \"obnova\"\npassword_file = \"relay.password\"\n"
    ));
    place.secret("relay.password", "of last year\n");
    let now = SystemTime::now();
    place.outbox.post(&mail("notice/21/aa"), now).unwrap();
    let postman = Postman::new(place.house.clone()).unwrap();
    let sent = || {
        assert_eq!(place.outbox.retry(1, now).unwrap(), Retried::Again);
        postman.deliver(&|| now, &|_| {}).unwrap().sent
    };
    assert_eq!(sent(), 0);
    assert!(place.state().1.ends_with("535 5.7.8"), "{:?}", place.state());
    fs::remove_file(place.home().join("relay.password")).unwrap();
    assert_eq!(sent(), 0);
    let (state, problem) = place.state();
    assert!(state == MailState::Waiting && problem.contains("relay.password: No such file"), "{state:?} {problem}");
    place.secret("relay.password", "of this year\n");
    assert_eq!(sent(), 1);
    assert_eq!(relay.taken().len(), 1);
}

/// Neither by itself nor because an operator says so: what makes another link is told.
#[test]
fn a_mail_whose_link_is_over_is_not_sent() {
    let place = Place::new();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    for (kind, purpose) in [
        (MailKind::Confirm, LinkPurpose::Confirm),
        (MailKind::TransportPin, LinkPurpose::TransportPin),
        (MailKind::Notice, LinkPurpose::Renew),
    ] {
        let text = Text { subject: "S".into(), body: "{link}\n".into() };
        let link = MailLink::Signed { purpose, about: vec![1], expires: now + MINUTE };
        let mail = Mail::new(kind.name(), kind, "jana@example.cz".parse().unwrap(), text).unwrap().with_link(link);
        place.outbox.post(&mail, now).unwrap();
    }
    assert_eq!(place.deliver(now + MINUTE), (0, 3));
    let given_up = place.outbox.list(Some(MailState::GivenUp), 9).unwrap();
    let problems: Vec<_> = given_up.iter().filter_map(|mail| mail.problem.as_deref()).collect();
    assert!(
        problems.len() == 3 && problems.iter().all(|one| one.contains("the time of this link is over")),
        "{problems:?}"
    );
    for mail in given_up {
        let command = match mail.kind {
            MailKind::Confirm => "correct APPLICANT",
            MailKind::TransportPin => "hand-over APPLICANT",
            _ => "obnova-ca password issue",
        };
        let retry = ["mail", place.home().to_str().unwrap(), "retry", &mail.id.to_string()].map(str::to_owned);
        let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(retry).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(4) && said.contains(command), "{said}");
    }
    assert_eq!(place.deliver(now + MINUTE), (0, 0));
}

#[test]
fn what_is_refused_for_good_is_given_up_and_what_is_not_comes_again_later() {
    let place = Place::new();
    let relay = place.relay(&[]);
    place.config(&format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n", relay.port));
    // The database has whole seconds.
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    place.outbox.post(&mail("unknown"), now).unwrap();
    relay.answers("rcpt 550 no such user\n");
    assert_eq!(place.deliver(now), (0, 1));
    let (state, problem) = place.state();
    assert!(state == MailState::GivenUp && problem.contains("no such user"), "{problem}");
    assert_eq!(place.deliver(now + 1000 * MINUTE), (0, 0));
    assert_eq!(place.outbox.retry_all(now).unwrap(), 1);
    assert_eq!(place.outbox.retry_all(now).unwrap(), 0, "it waits");
    relay.answers("rcpt 450 busy\ndata 451 busy\n");
    let mut at = now;
    for minutes in [1, 5_u32] {
        assert_eq!(place.deliver(at), (0, 1));
        assert_eq!(place.state().0, MailState::Waiting);
        assert_eq!(place.deliver(at + minutes * MINUTE - Duration::from_secs(1)), (0, 0), "{minutes}");
        at += minutes * MINUTE;
    }
    assert_eq!(place.deliver(at), (1, 0));
    assert_eq!(relay.taken().len(), 1);
}

#[test]
fn a_relay_that_refuses_whoever_sends_refuses_no_mail() {
    let place = Place::new();
    let relay = place.relay(&[]);
    place.config(&format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n", relay.port));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    // The sender is refused when the mail comes, and when the relay is asked for the sender alone; or named as the reason later.
    for (number, refused) in [
        "mail 553 sender refused\nmail 553 sender refused\n",
        "ehlo 554 not from here\n",
        "mail 530 log in first\n",
        "rcpt 550 5.1.8 <ca@example.cz>: sender address rejected\n",
        "data 554 5.1.7 sender address rejected\n",
    ]
    .into_iter()
    .enumerate()
    {
        place.outbox.post(&mail(&format!("policy/{number}")), now).unwrap();
        relay.answers(refused);
        assert_eq!(place.deliver(now), (0, 1), "{refused}");
        let (state, problem) = place.state();
        assert!(state == MailState::Waiting && problem.contains("error (5"), "{refused}: {problem}");
        assert_eq!(place.deliver(now + MINUTE), (1, 0), "{refused}");
        assert_eq!(relay.taken().len(), number + 1);
    }
    // Recipient and text are the mail's.
    for (number, refused) in
        ["rcpt 550 5.1.1 no such user\n", "data 554 5.7.1 such a text is not taken\n"].into_iter().enumerate()
    {
        place.outbox.post(&mail(&format!("refused/{number}")), now).unwrap();
        relay.answers(refused);
        assert_eq!(place.deliver(now), (0, 1), "{refused}");
        assert_eq!(place.state().0, MailState::GivenUp, "{refused}");
    }
}

#[test]
fn no_mail_goes_without_the_link_that_it_speaks_of() {
    let place = Place::new();
    let now = SystemTime::now();
    place.outbox.post(&mail("old"), now).unwrap();
    // As when links that are over are forgotten, and somebody has all mails tried again.
    let database = rusqlite::Connection::open(place.home().join("ca.db")).unwrap();
    assert_eq!(database.execute("UPDATE mails SET link = NULL", []).unwrap(), 1);
    assert_eq!(place.deliver(now), (0, 1));
    assert_eq!(place.state(), (MailState::GivenUp, "its link is over".into()));
}

#[test]
fn a_mail_that_waited_behind_slow_ones_is_not_sent_by_two() {
    let place = Place::new();
    let relay = place.relay(&[]);
    place.config(&format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n", relay.port));
    let begin = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for number in 0..6 {
        place.outbox.post(&mail(&format!("slow/{number}")), begin).unwrap();
    }
    // Each look at the clock is three minutes later; and while the first sender is at it, another one comes by twice.
    let clock = Cell::new(begin);
    let later = || {
        clock.set(clock.get() + 3 * MINUTE);
        clock.get()
    };
    let visits = Cell::new(2_u32);
    let come_by = |_: &Delivery| {
        if let Some(left) = visits.get().checked_sub(1) {
            visits.set(left);
            clock.set(clock.get() + 6 * MINUTE);
            let one = place.outbox.take_next(clock.get(), clock.get()).unwrap().unwrap();
            place.outbox.sent(&one, clock.get()).unwrap();
        }
    };
    let delivered = Postman::new(place.house.clone()).unwrap().deliver(&later, &come_by).unwrap();
    assert_eq!((delivered.sent, relay.taken().len()), (4, 4), "and two were the other's");
    let sent: BTreeSet<_> = place.outbox.list(None, 9).unwrap().iter().map(|mail| mail.sent.unwrap()).collect();
    assert_eq!(sent.len(), 6, "each when it was sent");
}

#[test]
fn a_mail_that_may_be_out_goes_again_under_the_same_name() {
    let place = Place::new();
    let relay = place.relay(&[]);
    place.config(&format!("[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n", relay.port));
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    place.outbox.post(&mail("torn"), now).unwrap();
    relay.answers("drop\n");
    assert_eq!(place.deliver(now), (0, 1));
    assert_eq!(place.deliver(now + MINUTE), (1, 0));
    let taken = relay.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0], taken[1], "the same bytes, Message-ID and link included");
    // A sender that died with a mail in its hand: nobody else takes it for ten minutes, then somebody does.
    place.outbox.post(&mail("died"), now).unwrap();
    assert_eq!(place.outbox.take(now, 8).unwrap().len(), 1);
    assert_eq!(place.deliver(now + 10 * MINUTE - Duration::from_secs(1)), (0, 0));
    assert_eq!(place.deliver(now + 10 * MINUTE), (1, 0));
}

#[test]
fn a_server_sends_by_itself_and_commands_show_it_without_texts() {
    let world = World::new();
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = sent.clone();
    let outbox = world.house.outbox().unwrap();
    outbox.post(&mail("early"), SystemTime::now()).unwrap();
    let rounds = Postman::new(world.house.clone())
        .unwrap()
        .start(Arc::new(SystemTime::now), Arc::new(move |line| log.lock().unwrap().push(line.to_owned())))
        .unwrap();
    while sent.lock().unwrap().is_empty() {
        std::thread::yield_now();
    }
    drop(rounds);
    assert_eq!(sent.lock().unwrap().as_slice(), ["mail 1 confirm sent", "mail 2 notice sent"]);
    let home = world.home();
    let run = |arguments: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_obnova-ca")).arg("mail").arg(&home).args(arguments).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code().unwrap(), text)
    };
    outbox.post(&mail("late"), SystemTime::now()).unwrap();
    let (code, text) = run(&["list", "--state", "waiting"]);
    assert!(code == 0 && text.contains("3       confirm              waiting") && !text.contains("Dobrý"), "{text}");
    let (code, text) = run(&["send", "--once"]);
    assert!(code == 0 && text.starts_with("1 sent, 0 not\n") && text.ends_with("\nmail 3 confirm sent\n"), "{text}");
    assert!(text.contains("links in mails are for https://127.0.0.1:8443, set base in mail.toml"), "{text}");
    // Nothing is guessed where a server runs, or somebody said it.
    let runs = world.house.announce("https://127.0.0.1:4711").unwrap();
    assert_eq!(run(&["send", "--once"]), (0, "0 sent, 0 not\n".into()));
    drop(runs);
    fs::write(home.join("mail.toml"), "version = 1\nfrom = \"ca@example.cz\"\nbase = \"https://ca.example.cz\"\n")
        .unwrap();
    assert_eq!(run(&["send", "--once"]), (0, "0 sent, 0 not\n".into()));
    let (_, text) = run(&["list", "--json"]);
    assert!(text.contains("\"key\": \"late\"") && !text.contains("waiting") && !text.contains("Dobrý"), "{text}");
    assert_eq!(run(&["retry", "1"]).0, 3);
    assert_eq!(run(&["retry", "--all"]), (0, "0 will be tried again\n".into()));
    assert_eq!((run(&["retry"]).0, run(&["retry", "1", "--all"]).0), (2, 2));
    fs::write(home.join("mail.toml"), "version = 1\nfrom = \"nobody\"\n").unwrap();
    let (code, text) = run(&["send", "--once"]);
    assert!(code == 1 && text.contains("mail.toml, from: the e-mail address has no @"), "{text}");
}
