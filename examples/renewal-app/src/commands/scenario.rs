use std::{path::Path, time::SystemTime};

use crate::{
    cli::{Global, PinOptions, Scenario},
    failure::{Failure, Kind},
    pins::{Asked, Pins},
    service::Service,
    stage::{self, Figure, PlayPins, Report, Setting, Stage},
    texts::t,
    ui::{self, Mark, Screen, Table},
};

/// `scenario`: plays a service and tells its figures.
pub fn run(
    global: &Global,
    scenario: Option<Scenario>,
    policy: Option<&Path>,
    json: bool,
    options: &PinOptions,
) -> Result<(), Failure> {
    let service = match (scenario, policy) {
        (_, Some(file)) => Service::read(file)?,
        (named, None) => Service::known(named.unwrap_or(Scenario::Twins))?,
    };
    let pins = Pins::read(options)?;
    let pins = PlayPins {
        authentication: pins.given(Asked::AuthenticationPin).unwrap_or_else(|| "1234".into()),
        signature: pins.given(Asked::SignaturePin).unwrap_or_else(|| "567890".into()),
    };
    let token = global.token.as_deref().filter(|token| *token != "profile");
    let setting = Setting { token, trace: global.trace.as_deref(), ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now())?;
    let (report, failure) = match stage.service.plays {
        Scenario::Twins => stage::twins(&stage),
        Scenario::Activation => stage::activation(&stage),
        Scenario::Partner => stage::partner(&stage),
    };
    if json {
        let text = serde_json::to_string_pretty(&report);
        let text = text.map_err(|problem| Failure::new(Kind::Internal, problem.to_string()))?;
        ui::data(format!("{text}\n").as_bytes())?;
    } else {
        show(&mut Screen::new(), &report);
    }
    if let Some(failure) = failure {
        return Err(failure);
    }
    let broken = report.rules.iter().filter(|rule| rule.ok == Some(false)).count();
    if report.ok { Ok(()) } else { Err(Failure::new(Kind::Internal, t!("scenario-broken", count = broken))) }
}

fn show(screen: &mut Screen, report: &Report) {
    let mut table = Table::new([
        t!("scenario-column-step"),
        t!("scenario-column-seconds"),
        t!("scenario-column-apdus"),
        t!("scenario-column-out"),
        t!("scenario-column-in"),
    ]);
    let total = Figure { name: "", ..Figure::sum(&report.steps) };
    for figure in report.steps.iter().chain([&total]) {
        let name = if figure.name.is_empty() { t!("scenario-total") } else { figure.name.to_owned() };
        let numbers = [figure.apdus, figure.bytes_out, figure.bytes_in].map(|number| number.to_string());
        table.row([name, format!("{:.3}", figure.seconds)].into_iter().chain(numbers));
    }
    screen.title(&report.scenario);
    screen.table(&table);
    screen.blank();
    for rule in &report.rules {
        let mark = match rule.ok {
            Some(true) => Mark::Good,
            Some(false) => Mark::Bad,
            None => Mark::Caution,
        };
        screen.mark(mark, &t!("scenario-rule", id = rule.id.as_str(), rule = rule.rule.as_str()));
        screen.nested(&rule.seen);
    }
}
