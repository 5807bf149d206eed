use std::time::SystemTime;

use crate::{
    cli::{Global, PinOptions, Scenario},
    failure::{Failure, Kind},
    pins::{Asked, Pins},
    stage::{self, Audience, Figure, PlayPins, Report, Scene, Stage},
    texts::t,
    ui::{Screen, Table},
};

/// `scenario`: plays a service and tells its figures.
pub fn run(global: &Global, scenario: Scenario, json: bool, options: &PinOptions) -> Result<(), Failure> {
    let Scenario::Twins = scenario;
    let pins = Pins::read(options)?;
    let pins = PlayPins {
        authentication: pins.given(Asked::AuthenticationPin).unwrap_or_else(|| "1234".into()),
        signature: pins.given(Asked::SignaturePin).unwrap_or_else(|| "567890".into()),
    };
    let token = global.token.as_deref().filter(|token| *token != "profile");
    let stage = Stage::set(None, token, global.trace.as_deref(), pins, SystemTime::now())?;
    let report = stage::play(&stage, &mut Nobody)?;
    let mut screen = Screen::new();
    if json {
        let text = serde_json::to_string_pretty(&report);
        screen.raw(&text.map_err(|problem| Failure::new(Kind::Internal, problem.to_string()))?);
    } else {
        show(&mut screen, &report);
    }
    Ok(())
}

/// An empty house: the figures speak.
struct Nobody;

impl Audience for Nobody {
    fn see(&mut self, _scene: &Scene<'_>) {}
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
    screen.title(report.scenario);
    screen.table(&table);
}
