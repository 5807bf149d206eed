use obnova_ca::store::OrderState;
use obnova_client::PinRequest;
use obnova_renewal::{CardView, Fact, Plan, Removable};

use super::{Audience, Moment, Scene, Stage};
use crate::ui::Mark;

/// Keeps what is seen of a play, for the rules to look at.
pub struct Witness<'s> {
    stage: &'s Stage,
    pub cards: Vec<(Moment, CardView)>,
    pub plan: Option<Plan>,
    pub offered: Vec<Removable>,
    pub seen: Vec<Event>,
}

/// One thing that was seen; they stand in order.
pub enum Event {
    /// Lines of the computer check, and how many of them are bad.
    Check {
        lines: usize,
        bad: usize,
    },
    /// The plan was shown, and agreed to.
    Plan,
    Pin(PinRequest),

    Fact(Fact),
    /// The window was closed. The CA's orders at that moment, and how many certificates each has.
    Closed(Vec<(OrderState, usize)>),
    /// The CA's operator said yes.
    Approved,
    Resumed,
    Clean,
}

impl<'s> Witness<'s> {
    pub const fn new(stage: &'s Stage) -> Self {
        Self { stage, cards: Vec::new(), plan: None, offered: Vec::new(), seen: Vec::new() }
    }

    /// The card at one moment.
    pub fn card(&self, when: Moment) -> Option<&CardView> {
        self.cards.iter().find(|(moment, _)| *moment == when).map(|(_, card)| card)
    }

    /// Facts, as they were written down.
    pub fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.seen.iter().filter_map(|event| if let Event::Fact(fact) = event { Some(fact) } else { None })
    }

    /// Where the first of these stands.
    pub fn first(&self, is: impl FnMut(&Event) -> bool) -> Option<usize> {
        self.seen.iter().position(is)
    }

    /// Passwords that were asked for, with the place of each.
    pub fn pins(&self) -> impl Iterator<Item = (usize, &PinRequest)> {
        self.seen.iter().enumerate().filter_map(|(at, event)| match event {
            Event::Pin(request) => Some((at, request)),
            _ => None,
        })
    }
}

impl Audience for Witness<'_> {
    fn see(&mut self, scene: &Scene<'_>) {
        let event = match scene {
            Scene::Card { moment, card } => return self.cards.push((*moment, (*card).clone())),
            Scene::Check(lines) => {
                let bad = lines.iter().filter(|line| line.mark == Mark::Bad || line.failure.is_some()).count();
                Event::Check { lines: lines.len(), bad }
            }
            Scene::Plan(plan) => {
                self.plan = Some((*plan).clone());
                Event::Plan
            }
            Scene::Pin(request) => Event::Pin((*request).clone()),

            Scene::Fact(fact) => Event::Fact((*fact).clone()),
            // Where the CA cannot be asked nothing is seen, and a rule says so.
            Scene::Closed => Event::Closed(self.stage.orders().unwrap_or_default()),
            Scene::Approved => Event::Approved,
            Scene::Resumed { .. } => Event::Resumed,
            Scene::Clean { offered } => {
                self.offered = offered.to_vec();
                Event::Clean
            }
            Scene::Notice { .. } | Scene::Begins(_) | Scene::Ends | Scene::Report(_) => return,
        };
        self.seen.push(event);
    }
}
