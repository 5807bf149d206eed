//! What breaks each rule of `partner`. A world is broken in some ways at once, each of which turns rules of its own red: those, and
//! no others.

use std::time::{Duration, SystemTime};

use obnova_card::{KeyRole, Secret};
use obnova_client::{Credential, CredentialRequest, PinRequest, Progress, Prompt, PromptError, Question};
use obnova_renewal::{ByRole, Method, PasswordRules};
use obnova_status::RevocationReason;

use super::super::*;
use super::careless::{Careless, How};
use crate::{
    cli::Scenario,
    failure::internal,
    service::Service,
    stage::{
        PlayPins, Setting, Through,
        newcomer::{Asked, Order, PINS},
    },
};

/// One way in which a world is broken.
struct Fault {
    /// In words.
    what: &'static str,
    /// What turns red by it, and by nothing else in its world: the rule, and words of why.
    red: Red,
    how: Bent,
}

type Red = &'static [(&'static str, &'static str)];

/// Where.
enum Bent {
    /// The file of CA and holder says something else than that of the service.
    File(&'static str, &'static str),
    /// Somebody does something else.
    Joints(fn(&mut Joints)),
    /// The card does.
    Card(Through),
    /// What was seen of the play is something else.
    Seen(fn(&mut partner::World<'_>)),
}

const fn file(what: &'static str, red: Red, replaced: &'static str, by: &'static str) -> Fault {
    Fault { what, red, how: Bent::File(replaced, by) }
}

const fn joint(what: &'static str, red: Red, bend: fn(&mut Joints)) -> Fault {
    Fault { what, red, how: Bent::Joints(bend) }
}

const fn seen(what: &'static str, red: Red, bend: fn(&mut partner::World<'_>)) -> Fault {
    Fault { what, red, how: Bent::Seen(bend) }
}

/// A world, broken in all these ways.
struct World {
    /// What the service's file says otherwise than that of `partner`: no fault, but another service.
    base: &'static [(&'static str, &'static str)],
    faults: &'static [Fault],
}

const fn of_partner(faults: &'static [Fault]) -> World {
    World { base: &[], faults }
}

const WORLDS: [World; 7] = [
    of_partner(&[
        joint(
            "a CA that says yes to every order",
            &[
                ("password/ca", "a client that lies is not refused"),
                ("password-days/ca", "a client that lies is not refused"),
                ("password-once/ca", "a client that lies is not refused"),
                ("password-again/ca", "a client that lies is not refused"),
                ("password-guessed/ca", "a client that lies is not refused"),
                ("module/ca", "in another module: None"),
                ("other-names/ca", "a client that lies is not refused"),
                ("revocation-password/ca", "a client that lies is not refused"),
                ("early/ca", "a client that lies is not refused"),
                ("expired/ca", "a client that lies is not refused"),
                ("revoked/ca", "a client that lies is not refused"),
            ],
            |joints| joints.send = |_, _, _| Ok(None),
        ),
        joint(
            "an operator whose word counts for nothing",
            &[("revoked-at-once", "the server let in CN=Partner"), ("revoked-mail", "0 mail came")],
            |joints| {
                joints.revoke = |_, _| Ok(());
            },
        ),
        joint(
            "a CA that says yes to every revocation",
            &[
                ("revoked-by-holder", "with another password: None"),
                ("revoked-by-key", "the key of another certificate: None"),
                ("revocation-reason/ca", "certificate-hold: a client that lies is not refused"),
                ("revoked-by-password", "a wrong password alone: None"),
                ("revocation-password-later", "a password before there is one: None"),
            ],
            |joints| {
                joints.end = |_| Ok(None);
                joints.end_by_key = |_| Ok(None);
                joints.end_for = |_, _| Ok(None);
            },
        ),
        joint(
            "a CA that says yes to whatever comes over a login",
            &[
                ("plain-est-renewal/ca", "a client that lies is not refused"),
                ("revocation-password-own", "a weak one by a client that lies: None"),
            ],
            |joints| {
                joints.reenroll = |_, _| Ok(None);
                joints.set_password =
                    |who, new, old, rules| (Joints::default().set_password)(who, new, old, rules).map(|_| None);
            },
        ),
        joint(
            "links that stay open",
            &[("link", "opens the certificates once more"), ("plain-est", "opens the certificates once more")],
            |joints| joints.is_open = |_, _| Ok(true),
        ),
        joint(
            "a clock that is behind",
            &[
                ("early/client", "is not valid before"),
                ("plain-est-renewal", "is not valid before"),
                ("expired/client", "an hour after the end a renewal is begun"),
            ],
            |joints| joints.clock = || SystemTime::now() - Duration::from_secs(7200),
        ),
        joint("programs that are told of no issuer", &[("registered", "NSS knows of the chain of")], |joints| {
            joints.register = |place, module, _| place.register(module, &[]);
        }),
        seen("a password in a file of the CA", &[("revocation-password-sealed", "ca/notes")], |world| {
            let password = &world.story.as_ref().unwrap().holder.who.revocation;
            std::fs::write(world.stage.folder().join("ca/notes"), format!("his is {password}!")).unwrap();
        }),
        seen("a list that nobody measured", &[("list", "there is no figure")], |world| world.report.steps.clear()),
        seen("a step that a renewal alone has", &[("renewal-steps", "in a renewal only: [\"terms\"]")], |world| {
            world.story.as_mut().unwrap().steps.retain(|step| *step != "terms");
        }),
    ]),
    of_partner(&[
        file(
            "passwords that live longer",
            &[("password-days/ca", "a client that lies is not refused")],
            "password_days = 21",
            "password_days = 30",
        ),
        file(
            "more guesses",
            &[("password-guessed/ca", "after 3 wrong guesses: None")],
            "free_guesses = 3",
            "free_guesses = 5",
        ),
        file(
            "certificates that nobody is shown",
            &[("other-names/client", "certificates were shown 0 times, not 1")],
            "prove_login = true",
            "prove_login = true\nconfirm_first = false",
        ),
        file(
            "a client that does not ask what is revoked",
            &[("revoked/client", "a renewal of a revoked certificate is begun: ")],
            "prove_signature = false",
            "ask_status = \"never\"\nprove_signature = false",
        ),
        file(
            "orders that nobody looks at",
            &[("waits", "it waited 0 times"), ("link", "there is no mail with a link")],
            "approval = \"manual\"",
            "approval = \"automatic\"",
        ),
        file(
            "a shorter window",
            &[
                ("renewal", "too-early"),
                ("renewal-steps", "too-early"),
                ("early/ca", "too-early"),
                ("plain-est-renewal/ca", "refused by another name: too-early"),
            ],
            "\nwindow_days = 30",
            "\nwindow_days = 10",
        ),
        file(
            "a password that is not enough",
            &[("revoked-by-password", "a wrong password alone: Some(\"password-alone\")")],
            "password_alone = true",
            "password_alone = false",
        ),
        file(
            "an own key that is enough",
            &[("revoked-by-key", "without a password and with a wrong one: (None, ")],
            "own_key_alone = false",
            "own_key_alone = true",
        ),
        file(
            "weak passwords",
            &[
                ("revocation-password/ca", "a client that lies is not refused"),
                ("revocation-password/client", "too short: (false, 2)"),
            ],
            "minimum = 8",
            "minimum = 6",
        ),
        file(
            "orders by plain EST refused",
            &[
                ("plain-est", "no place for a revocation password"),
                ("plain-est-renewal", "no place for a revocation password"),
                ("revocation-password-own", "no place for a revocation password"),
                ("revocation-password-later", "no place for a revocation password"),
            ],
            "later = true",
            "later = false",
        ),
        Fault {
            what: "a card that makes a key too many",
            red: &[("key-on-card", "2 after; certificates that are for one of them: 1")],
            how: Bent::Card(|token| Careless::boxed(token, How::MakesTwo)),
        },
    ]),
    of_partner(&[
        joint(
            "a program that helps",
            &[
                ("password/client", "a wrong character was noticed: false"),
                ("revocation-password/client", "asked for 1 time, and 0 time again"),
            ],
            |joints| {
                joints.prompt = |face| Box::new(Helpful { face, typed: None });
            },
        ),
        joint(
            "a CA that issues one password to each",
            &[("password-again/ca", "once only"), ("begins-again", "once only"), ("forgotten", "once only")],
            |joints| {
                joints.issue = |desk, subject, now| match desk.list(1000)?.iter().any(|one| one.subject == subject) {
                    true => Err(Broken("once only".to_owned())),
                    false => Ok(desk.issue(subject, now)?.password),
                };
            },
        ),
        file(
            "certificates that live longer",
            &[("one-year", "400 days"), ("renewal", "the renewed one is valid for other days than the service says")],
            "validity_days = 365",
            "validity_days = 400",
        ),
        joint(
            "a clock that is ahead",
            &[
                ("early/client", "on the first day a renewal is begun"),
                ("plain-est-renewal", "on the first day a renewal is begun"),
            ],
            |joints| joints.clock = || SystemTime::now() + Duration::from_secs(380 * 24 * 3600),
        ),
        joint(
            "a post that brings nothing",
            &[
                ("revoked-by-password", "0 mail came"),
                ("revoked-by-holder", "0 mail came"),
                ("revoked-by-key", "0 mail came"),
                ("revocation-password-later", "0 mails came of it"),
                ("revocation-password-own", "0 mails came of it"),
                ("handed-over", "in mails: []"),
                ("link", "there is no mail with a link"),
                ("plain-est", "there is no mail with a link"),
                ("revoked-mail", "0 mail came"),
            ],
            |joints| joints.mails = |_, _| Ok(Vec::new()),
        ),
    ]),
    of_partner(&[
        joint(
            "a server that takes everybody for somebody else",
            &[
                ("login", "the server let in CN=Nobody"),
                ("renewal", "the server does not know the holder by the new certificate"),
                ("begins-again", "CN=Nobody has another certificate"),
            ],
            |joints| {
                joints.login = |who, certificate| {
                    (Joints::default().login)(who, certificate)?;
                    Ok("CN=Nobody".to_owned())
                };
            },
        ),
        Fault {
            what: "a card that takes any old PIN",
            red: &[("pin-change", "with a wrong old one: changed"), ("forgotten", "the card takes any PIN")],
            how: Bent::Card(|token| Careless::boxed(token, How::AnyOld(PINS[0]))),
        },
        joint(
            "an operator who writes everything on one paper",
            &[("handed-over", "on the paper: (true, true)")],
            |joints| {
                joints.hand_over = |stage, subject, now| {
                    let user = subject.user.clone();
                    let mut handed = (Joints::default().hand_over)(stage, subject, now)?;
                    handed.paper.push_str(&user);
                    Ok(handed)
                };
            },
        ),
        seen(
            "a client that asks for everything once more",
            &[
                ("waits", "RevocationPasswordAgain, UserId, OneTimePassword"),
                ("revocation-password/client", "asked for 2 time, and 2 time again"),
            ],
            |world| {
                let story = world.story.as_mut().unwrap();
                let again: Vec<_> =
                    story.asked.iter().filter(|one| matches!(one, Asked::Credential(_))).cloned().collect();
                story.asked.extend(again);
            },
        ),
    ]),
    World {
        base: &[("later = true", "later = false")],
        faults: &[file(
            "a service that takes orders by plain EST all the same",
            &[
                ("revocation-password-at-once/client", "1 keys were made and"),
                ("revocation-password-at-once/ca", "the CA's last refusal: \"\""),
            ],
            "later = false",
            "later = true",
        )],
    },
    World {
        base: &[
            ("password_alone = true", "password_alone = false"),
            ("[revocation]\n", "[revocation]\nholder_reasons = [\"key-compromise\", \"unspecified\"]\n"),
        ],
        faults: &[
            joint(
                "a client that looks at nothing before it revokes",
                &[
                    ("revocation-reason/client", "affiliation-changed: None"),
                    ("password-alone/client", "without it: None"),
                ],
                |joints| joints.foresee_end = |_, _, _| None,
            ),
            joint(
                "a CA that takes every reason, and the password alone",
                &[
                    ("revocation-reason/ca", "affiliation-changed: a client that lies is not refused"),
                    ("password-alone/ca", "a client that lies is not refused"),
                ],
                |joints| {
                    joints.end_for = |_, _| Ok(None);
                    joints.end = |ending| match ending.by {
                        None => Ok(None),
                        Some(_) => (Joints::default().end)(ending),
                    };
                },
            ),
        ],
    },
    World {
        base: &[("protocol = \"cmc\"", "protocol = \"est\"")],
        faults: &[
            joint(
                "a CA that says yes to every request with a password",
                &[
                    ("password/ca", "a client that lies is not refused"),
                    ("password-days/ca", "a client that lies is not refused"),
                    ("password-once/ca", "a client that lies is not refused"),
                    ("password-again/ca", "a client that lies is not refused"),
                    ("password-guessed/ca", "a client that lies is not refused"),
                    ("module/ca", "in another module: None"),
                    ("other-names/ca", "a client that lies is not refused"),
                ],
                |joints| {
                    joints.send = |stage, module, order| match order {
                        Order::Plain { .. } => Ok(None),
                        Order::Message(_) => (Joints::default().send)(stage, module, order),
                    };
                },
            ),
            joint(
                "a CA that says yes to whatever comes over a login",
                &[
                    ("early/ca", "a client that lies is not refused"),
                    ("expired/ca", "a client that lies is not refused"),
                    ("revoked/ca", "a client that lies is not refused"),
                    ("plain-est-renewal/ca", "a client that lies is not refused"),
                    ("revocation-password/ca", "a client that lies is not refused"),
                    ("revocation-password-own", "a weak one by a client that lies: None"),
                ],
                |joints| {
                    joints.reenroll = |_, _| Ok(None);
                    joints.set_password =
                        |who, new, old, rules| (Joints::default().set_password)(who, new, old, rules).map(|_| None);
                },
            ),
        ],
    },
];

/// The rules of a play, each with what came of it, in a world that is broken like this.
fn judged_in(service: Service, through: Through, joints: Joints, bend: impl FnOnce(&mut partner::World<'_>)) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), through, ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let (report, failure) = for_first(&stage, joints, bend);
    report.rules.iter().for_each(|one| println!("{:?} {}: {}", one.ok, one.id, one.seen));
    assert_eq!(failure.map(|failure| failure.message().to_owned()), None);
    assert_eq!(report.ok, red(&report).is_empty());
    report
}

fn red(report: &Report) -> Vec<&str> {
    let red = report.rules.iter().filter(|one| one.ok == Some(false));
    red.map(|one| one.id.split_once('/').unwrap().1).collect()
}

/// Breaks a world in all its ways, and looks at what is red.
fn broken(World { base, faults: world }: &World) {
    let (mut files, mut joints, mut through): (Vec<_>, _, Through) = (Vec::new(), Joints::default(), |token| token);
    for fault in *world {
        println!("{}", fault.what);
        match fault.how {
            Bent::File(replaced, by) => files.push((replaced, by)),
            Bent::Joints(bend) => bend(&mut joints),
            Bent::Card(card) => through = card,
            Bent::Seen(_) => {}
        }
    }
    let report = judged_in(Service::but_of(Scenario::Partner, base, &files), through, joints, |seen| {
        world.iter().for_each(|fault| {
            if let Bent::Seen(bend) = fault.how {
                bend(seen)
            }
        });
    });
    let at = |id: &str| report.rules.iter().position(|one| one.id.split_once('/').unwrap().1 == id);
    let mut expected: Vec<_> = world.iter().flat_map(|fault| fault.red).copied().collect();
    expected.sort_by_key(|(id, _)| at(id));
    let expected: Vec<_> = expected.iter().map(|(id, seen)| (format!("{}/{id}", report.scenario), *seen)).collect();
    let expected: Vec<_> = expected.iter().map(|(id, seen)| (id.as_str(), *seen)).collect();
    super::assert_red(&report.rules, &expected);
}

#[test]
fn a_ca_that_says_yes() {
    broken(&WORLDS[0]);
}

#[test]
fn a_file_that_says_something_else() {
    broken(&WORLDS[1]);
}

#[test]
fn helpers_that_do_not_help() {
    broken(&WORLDS[2]);
}

#[test]
fn a_server_and_a_card_that_do_not_look() {
    broken(&WORLDS[3]);
}

#[test]
fn a_service_without_plain_est_that_takes_it() {
    broken(&WORLDS[4]);
}

/// Where the file rules some revocations out.
#[test]
fn a_client_and_a_ca_that_take_every_revocation() {
    broken(&WORLDS[5]);
}

/// Whose clients lie by plain EST too.
#[test]
fn a_ca_that_says_yes_by_plain_est() {
    broken(&WORLDS[6]);
}

/// A rule alone, in a world that is broken in one way, is red for this.
fn alone(id: &str, seen: &str, file: &[(&str, &str)], bend: fn(&mut Joints)) {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let service = Service::but_of(Scenario::Partner, &[], file);
    let stage = Stage::set(Setting { keep: Some(folder.path()), ..Setting::new(service, pins) }, SystemTime::now());
    let stage = stage.unwrap();
    let mut joints = Joints::default();
    bend(&mut joints);
    let unplayed = Report::broken_off(&stage.service.name, &internal("it was not played"));
    let mut world = partner::World::new(&stage, joints, unplayed, None);
    let mut rules = partner::rules(&world.expects);
    rules.retain(|rule| rule.id == id);
    super::assert_red(&rules::judge(&stage.service.name, &mut world, &rules), &[(id, seen)]);
}

/// Each thing that the rule says of it: the client takes a weak one; the CA takes another one alone, with a wrong one, or the one before.
#[test]
fn every_half_of_setting_a_revocation_password_is_seen_red() {
    let red = |seen, bend| alone("partner/revocation-password-own", seen, &[], bend);
    red("a weak one is taken by the client", |joints| joints.set_password = |_, _, _, _| Ok(None));
    red("another one without the one that stands: None", |joints| {
        joints.set_password = |who, new, old, rules| {
            let heard = (Joints::default().set_password)(who, new, old, rules)?;
            Ok(heard.filter(|name| name != "revocation-password-stands"))
        };
    });
    red("another one with a wrong one: None", |joints| {
        joints.set_password = |who, new, old, rules| {
            let heard = (Joints::default().set_password)(who, new, old, rules)?;
            Ok(heard.filter(|name| name != "wrong-revocation-password"))
        };
    });
    red("the one before ends it: None", |joints| joints.end = |_| Ok(None));
}

/// It lets through what nobody may say, refuses what the service takes, or goes by another file than its CA.
#[test]
fn every_half_of_looking_before_a_revocation_is_seen_red() {
    alone("partner/revocation-reason/client", "certificate-hold: None", &[], |joints| {
        joints.foresee_end = |rules, why, with_card| {
            (Joints::default().foresee_end)(rules, why, with_card).filter(|name| name == "revocation-reason")
        };
    });
    alone("partner/revocation-reason/client", "unspecified: Some(\"revocation-reason\")", &[], |joints| {
        joints.foresee_end = |_, _, _| Some("revocation-reason".to_owned());
    });
    let fewer = [("[revocation]\n", "[revocation]\nholder_reasons = [\"key-compromise\"]\n")];
    alone("partner/revocation-reason/client", "unspecified: Some(\"revocation-reason\")", &fewer, |_| {});
    alone("partner/revocation-reason/ca", "key-compromise is refused: revocation-reason", &[], |joints| {
        joints.end_for = |_, _| Ok(Some("revocation-reason".to_owned()));
    });
    alone(
        "partner/revocation-reason/ca",
        "certificate-hold: a client that lies is refused by another name",
        &[],
        |joints| {
            joints.end_for = |_, _| Ok(Some("not-yours".to_owned()));
        },
    );
    alone("partner/revoked-by-password", "the client does not begin: Some(\"password-alone\")", &[], |joints| {
        joints.foresee_end = |_, _, _| Some("password-alone".to_owned());
    });
}

#[test]
fn a_renewal_by_plain_est_for_other_days_or_refused_is_seen_red() {
    let window = [("\nwindow_days = 30", "\nwindow_days = 10")];
    alone("partner/plain-est-renewal", "too-early", &window, |_| {});
    let longer = [("validity_days = 365", "validity_days = 400")];
    alone("partner/plain-est-renewal", "it is valid for other days than the service says", &longer, |_| {});
}

/// No rule is one that nothing breaks.
#[test]
fn every_rule_is_seen_red() {
    let broken: Vec<_> =
        WORLDS.iter().flat_map(|world| world.faults).flat_map(|fault| fault.red).map(|(id, _)| id).collect();
    let ids: Vec<_> = partner::ids().collect();
    for id in &ids {
        assert!(broken.iter().any(|red| id.split_once('/').unwrap().1 == **red), "nothing breaks {id}");
    }
    for red in broken {
        assert!(ids.iter().any(|id| id.split_once('/').unwrap().1 == *red), "there is no rule {red}");
    }
}

#[test]
fn a_sound_first_certificate() {
    let report = judged_in(Service::known(Scenario::Partner).ok().unwrap(), |token| token, Joints::default(), |_| {});
    assert_eq!(red(&report), Vec::<&str>::new());
    let of_others = AT_ONCE.len() + NOT_ALONE.len();
    assert_eq!(report.rules.len(), partner::ids().count() - of_others, "every other rule is one of this service");
    let seen = report.rules.iter().all(|one| one.ok == Some(true));
    assert!(seen, "one could not be looked at: apt-get install opensc-pkcs11 libnss3-tools");
}

/// What is no rule where no order comes by plain EST.
const BY_PLAIN_EST: [&str; 5] =
    ["plain-est", "plain-est-renewal", "plain-est-renewal/ca", "revocation-password-own", "revocation-password-later"];

/// What is no rule where orders come by plain EST too; these are left out then.
const AT_ONCE: [&str; 2] = ["revocation-password-at-once/client", "revocation-password-at-once/ca"];

/// What is no rule where the revocation password alone ends a certificate.
const NOT_ALONE: [&str; 2] = ["password-alone/client", "password-alone/ca"];

/// Services of one's own, which are judged by their own files: what is no rule of theirs is left out.
#[test]
fn other_services_are_judged_by_their_own_files() {
    let hasty = [
        ("name = \"partner\"", "name = \"hasty\""),
        ("approval = \"manual\"", "approval = \"automatic\""),
        ("password_days = 21", "password_days = 7"),
        ("free_guesses = 3", "free_guesses = 1"),
        ("validity_days = 365", "validity_days = 90"),
        ("due_before_days = 30", "due_before_days = 10"),
        ("\nwindow_days = 30", "\nwindow_days = 20"),
        ("minimum = 8", "minimum = 12"),
        ("password_alone = true", "password_alone = false"),
    ];
    green(&hasty, &[&["waits", "link", "revoked-by-password"], &AT_ONCE[..]].concat(), "7 days");
    let twice = [
        ("name = \"partner\"", "name = \"pair\""),
        ("certificates = [\"authentication\"]", "certificates = [\"authentication\", \"signature\"]"),
        ("profiles = [\"authentication\"]", "profiles = [\"authentication\", \"signature\"]"),
        ("prove_signature = false", "prove_signature = true\nconfirm_first = false"),
        ("method = \"re-key\"", "method = \"same-key\""),
        ("same_key = false", "same_key = true"),
        (
            "[revocation_password]\nrequired = true\n# Who orders by plain EST sets one afterwards (`obnova revocation-password`).\nlater = true\nminimum = 8\ndistinct = 5\n",
            "",
        ),
        ("validity_days = 365", "validity_days = 730"),
    ];
    let without = [
        "revocation-password/client",
        "revocation-password/ca",
        "revocation-password-sealed",
        "plain-est",
        "plain-est-renewal",
        "plain-est-renewal/ca",
        "revocation-password-own",
        "revocation-password-later",
        "revoked-by-holder",
        "revoked-by-password",
    ];
    green(&twice, &[&without, &AT_ONCE[..], &NOT_ALONE].concat(), "730 days");
    let signs = [
        ("name = \"partner\"", "name = \"signs\""),
        ("certificates = [\"authentication\"]", "certificates = [\"signature\"]"),
        ("profiles = [\"authentication\"]", "profiles = [\"signature\"]"),
        ("prove_login = true\nprove_signature = false", "prove_login = false\nprove_signature = true"),
        ("distinct = 5", "distinct = 1"),
    ];
    let without = ["login", "revoked-by-holder", "revoked-by-key"];
    green(&signs, &[&without, &BY_PLAIN_EST[..], &AT_ONCE, &NOT_ALONE].concat(), "signature: ");
    let at_once = [("name = \"partner\"", "name = \"at-once\""), ("later = true", "later = false")];
    green(&at_once, &[&BY_PLAIN_EST[..], &NOT_ALONE].concat(), "told that plain EST has no place");
}

/// Orders go by plain EST, as the file says, and the revocation password is set afterwards by who is logged in.
#[test]
fn a_service_whose_orders_go_by_plain_est_is_judged_by_its_own_file() {
    let est = [("name = \"partner\"", "name = \"est\""), ("protocol = \"cmc\"", "protocol = \"est\"")];
    let report = green(
        &est,
        &[&["revocation-password/client"], &AT_ONCE[..], &NOT_ALONE].concat(),
        "simplereenroll over a login",
    );
    // What the client lies goes where its orders go.
    for (road, rules) in [
        ("(simpleenroll)", &["password/ca", "password-days/ca", "password-again/ca", "other-names/ca"][..]),
        ("(simplereenroll)", &["early/ca", "expired/ca", "revoked/ca"]),
        ("over a login", &["revocation-password/ca"]),
    ] {
        for rule in rules {
            let seen = report.rules.iter().find(|one| one.id == format!("est/{rule}")).map(|one| one.seen.as_str());
            assert!(seen.is_some_and(|seen| seen.contains(road)), "{rule}: {seen:?}");
        }
    }
}

/// What holders may say is that somebody else may have the key, and no more.
#[test]
fn a_service_whose_holders_may_give_one_reason_is_judged_by_it() {
    let one = [("[revocation]\n", "[revocation]\nholder_reasons = [\"key-compromise\"]\n")];
    green(
        &one,
        &[AT_ONCE, NOT_ALONE].concat(),
        "the right one, without the card: the next login is refused (peer-revoked)",
    );
}

/// Nothing is known of what cannot be a one-time password of another make.
#[test]
fn a_service_whose_one_time_passwords_are_any_has_no_rule_of_typing_errors() {
    let any = [("[holder]\n", "[holder]\none_time_password = \"any\"\n")];
    green(&any, &[&["password/client"], &AT_ONCE[..], &NOT_ALONE].concat(), "refused by name: wrong-password");
}

/// What lives no longer than the window is renewed on its first day, and lives half a day more.
#[test]
fn a_service_whose_certificates_live_a_day_is_judged_by_its_own_file() {
    let day = [("validity_days = 365", "validity_days = 1")];
    green(
        &day,
        &[&["early/client", "early/ca"], &AT_ONCE[..], &NOT_ALONE].concat(),
        "in the same name and for longer: true",
    );
}

/// A service whose file has these other texts: all of its rules hold, which are all but these, and this was seen.
fn green(texts: &[(&str, &str)], without: &[&str], seen: &str) -> Report {
    let service = Service::other(Scenario::Partner, texts);
    let name = service.name.clone();
    let report = judged_in(service, |token| token, Joints::default(), |_| {});
    assert_eq!(red(&report), Vec::<&str>::new());
    let ids = partner::ids().map(|id| id.split_once('/').unwrap().1).filter(|id| !without.contains(id));
    let ids: Vec<_> = ids.map(|id| format!("{name}/{id}")).collect();
    assert_eq!(report.rules.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), ids);
    assert!(report.rules.iter().any(|one| one.seen.contains(seen)), "{seen}");
    report
}

/// What the file of the service says is what is known of it.
#[test]
fn the_file_says_what_the_service_is() {
    let expects = partner::Expects::of(&Service::known(Scenario::Partner).ok().unwrap().told);
    let month = Duration::from_secs(30 * 24 * 3600);
    let wanted = partner::Expects {
        days: ByRole::one(KeyRole::Authentication, 365),
        checks_password: true,
        password_days: 21,
        free_guesses: 3,
        waits: true,
        renewals_wait: true,
        confirms: true,
        revocation_password: Some(PasswordRules { minimum: 8, distinct: 5 }),
        password_sent: true,
        plain_est: true,
        password_later: true,
        password_at_once: false,
        password_alone: true,
        own_key_alone: false,
        holder_reasons: vec![
            RevocationReason::Unspecified,
            RevocationReason::KeyCompromise,
            RevocationReason::AffiliationChanged,
            RevocationReason::Superseded,
            RevocationReason::CessationOfOperation,
        ],
        window: month,
        method: Method::ReKey,
        asks_status: true,
    };
    assert_eq!(expects, wanted);
}

/// Types what was typed before, and what was no good once more.
struct Helpful<'p> {
    face: Box<dyn Prompt + 'p>,
    typed: Option<Secret>,
}

impl Prompt for Helpful<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.face.pin(request)
    }
    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        self.face.confirm(question)
    }
    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        if let (Credential::RevocationPasswordAgain, Some(typed)) = (request.what, &self.typed) {
            return Ok(typed.clone());
        }
        let typed = self.face.credential(&CredentialRequest { problem: None, ..*request })?;
        self.typed = Some(typed.clone());
        Ok(typed)
    }
    fn progress(&mut self, progress: &Progress<'_>) {
        self.face.progress(progress);
    }
}
