use std::{path::Path, time::SystemTime};

use obnova_client::PinRequest;
use obnova_renewal::{Action, CardView, Fact};

use super::card;
use crate::{
    ask,
    cli::Scenario,
    failure::Failure,
    narration::{self, Narrator},
    plan,
    service::Service,
    stage::{self, Audience, Moment, PlayPins, Report, Scene, Setting, Stage},
    texts::t,
    ui::{Mark, Progress, Screen, Table},
    view,
};

/// `demo`: plays `twins` for somebody who watches.
pub fn run(keep: Option<&Path>) -> Result<(), Failure> {
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let mut screen = Screen::new();
    screen.title(&t!("demo-title"));
    let setting_up = screen.progress(&t!("demo-setting-up"));
    let stage =
        Stage::set(Setting { keep, ..Setting::new(Service::known(Scenario::Twins)?, pins) }, SystemTime::now())?;
    drop(setting_up);
    screen.say(&t!("demo-setting", address = stage.authority.url.as_str()));
    screen.say(&match keep {
        None => t!("demo-nothing-left"),
        Some(_) => t!("demo-keeps", folder = stage.folder().display().to_string()),
    });
    let mut stalls = Stalls {
        screen,
        narrator: Narrator::default(),
        acts: 0,
        act: String::new(),
        progress: None,
        meanwhile: None,
        before: None,
    };
    let report = stage::play(&stage, &mut stalls)?;
    if keep.is_some() {
        stage.keep(&report)?;
        stalls.screen.say(&t!("demo-kept", folder = stage.folder().display().to_string()));
    }
    Ok(())
}

/// Who sits in front and sees everything.
struct Stalls {
    screen: Screen,
    narrator: Narrator,
    /// Parts so far, and the title of the last.
    acts: usize,
    act: String,
    progress: Option<Progress>,
    /// What takes its time now.
    meanwhile: Option<String>,
    before: Option<Table>,
}

impl Audience for Stalls {
    fn see(&mut self, scene: &Scene<'_>) {
        self.progress = None;
        match scene {
            Scene::Card { moment, card } => self.card(*moment, card),
            Scene::Notice { days, until, link } => {
                self.act(t!("act-notice"));
                self.screen.quote(&t!(
                    "letter",
                    name = t!("demo-holder"),
                    email = t!("demo-email"),
                    days = *days,
                    until = until.as_str(),
                    link = *link
                ));
            }
            Scene::Check(checks) => {
                self.act(t!("act-check"));
                checks.iter().for_each(|check| self.screen.mark(check.mark, &check.text));
            }
            Scene::Plan(planned) => {
                self.act(t!("act-plan"));
                plan::show(&mut self.screen, planned, None, false);
                self.screen.aside(&t!("demo-yes"));
            }
            Scene::Pin(request) => self.pin(request),
            Scene::Begins(action) => self.begins(action),
            Scene::Fact(fact) => self.fact(fact),
            Scene::Ends => self.meanwhile = None,
            Scene::Closed => self.screen.mark(Mark::Caution, &t!("demo-closed")),
            Scene::Approved => {
                self.screen.mark(Mark::Item, &t!("demo-approved"));
                self.progress = Some(self.screen.progress(&t!("demo-waiting")));
            }
            Scene::Resumed { records } => {
                self.act(t!("act-resume"));
                self.screen.mark(Mark::Good, &t!("demo-resumed", count = *records));
            }
            Scene::Clean { offered } => {
                self.act(t!("act-clean"));
                for one in *offered {
                    self.screen.mark(Mark::Item, &card::offer(one));
                    self.screen.detail(&t!("clean-ask-name", name = one.name.as_str()));
                    self.screen.aside(&t!("demo-clean-answer", name = one.name.as_str()));
                }
            }
            Scene::Report(report) => self.report(report),
        }
    }
}

impl Stalls {
    /// Begins a part, unless it is on already.
    fn act(&mut self, title: String) {
        if self.act != title {
            self.acts += 1;
            self.screen.heading(self.acts, &title);
            self.act = title;
        }
    }
}

impl Stalls {
    /// What each kind of action is a part of.
    fn begins(&mut self, action: &Action) {
        match action.name() {
            "generate" => self.act(t!("act-keys")),
            "request" => self.act(t!("act-requests")),
            "send" => self.act(t!("act-pending")),
            "install" => self.act(t!("act-install")),
            "prove-login" | "prove-signature" => self.act(t!("act-proof")),
            _ => {}
        }
        self.meanwhile = narration::meanwhile(action);
        self.progress = self.meanwhile.as_ref().map(|text| self.screen.progress(text));
    }

    fn fact(&mut self, fact: &Fact) {
        if let Some(line) = self.narrator.fact(fact) {
            self.screen.mark(Mark::Good, &line);
        }
    }

    fn pin(&mut self, request: &PinRequest) {
        ask::show(&mut self.screen, request, false);
        self.screen.aside(&t!("demo-pin-answer"));
        self.progress = self.meanwhile.as_ref().map(|text| self.screen.progress(text));
    }

    fn card(&mut self, moment: Moment, card: &CardView) {
        let table = view::slots(&card.slots, SystemTime::now());
        match moment {
            Moment::Before => {
                self.act(t!("act-card"));
                self.screen.detail(&view::title(&card.identity));
                self.screen.table(&table);
                self.before = Some(table);
            }
            Moment::Renewed => self.screen.table(&table),
            Moment::Cleaned => {
                self.act(t!("act-result"));
                if let Some(before) = &self.before {
                    self.screen.detail(&t!("demo-before"));
                    self.screen.table(before);
                }
                self.screen.detail(&t!("demo-after"));
                self.screen.table(&table);
            }
        }
    }

    fn report(&mut self, report: &Report) {
        self.screen.blank();
        self.screen.say(&t!("demo-sum", seconds = format!("{:.1}", report.seconds), apdus = report.apdus));
    }
}
