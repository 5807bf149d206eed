//! What must be true of a service, rule by rule, and what looks whether it is.

pub mod activation;
pub mod partner;
pub mod twins;

use std::error::Error;

use obnova_renewal::CardView;
use serde::Serialize;

use crate::{failure::Failure, texts::t};

/// A rule of a service.
pub struct Rule<W> {
    /// Its name, for programs: `twins/one-year`. In another service that is played like this one, the first part is another.
    pub id: &'static str,
    /// The rule, in words.
    text: fn() -> String,
    /// What looks at what really happened, or tries it out.
    check: Check<W>,
}

/// Whether a rule can be looked at.
enum Check<W> {
    /// By this.
    Seen(fn(&mut W) -> Verdict),
    /// By this, if what it takes is installed here.
    IfInstalled(fn(&mut W) -> Result<Option<String>, Broken>),
}

impl<W> Rule<W> {
    /// A rule that this looks at.
    const fn seen(id: &'static str, text: fn() -> String, check: fn(&mut W) -> Verdict) -> Self {
        Self { id, text, check: Check::Seen(check) }
    }

    /// A rule that this looks at, if what it takes is installed here.
    const fn if_installed(
        id: &'static str,
        text: fn() -> String,
        check: fn(&mut W) -> Result<Option<String>, Broken>,
    ) -> Self {
        Self { id, text, check: Check::IfInstalled(check) }
    }
}

/// What was seen: as the rule wants it, or not.
pub type Verdict = Result<String, Broken>;

/// What was seen of a rule that is broken.
pub struct Broken(pub String);

impl<E: Error> From<E> for Broken {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self(text)
    }
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self(failure.message().to_owned())
    }
}

/// A rule that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Ruled {
    pub id: String,
    pub rule: String,
    /// Whether it holds; nothing where what it takes to look is not installed here.
    pub ok: Option<bool>,
    pub seen: String,
}

/// Looks at every rule of a service, in order.
pub fn judge<W>(service: &str, world: &mut W, rules: &[Rule<W>]) -> Vec<Ruled> {
    let one = |rule: &Rule<W>| {
        let (ok, seen) = match rule.check {
            Check::Seen(check) => match check(world) {
                Ok(seen) => (Some(true), seen),
                Err(Broken(seen)) => (Some(false), seen),
            },
            Check::IfInstalled(check) => match check(world) {
                Ok(Some(seen)) => (Some(true), seen),
                Ok(None) => (None, t!("rule-not-installed")),
                Err(Broken(seen)) => (Some(false), seen),
            },
        };
        let (_, id) = rule.id.split_once('/').unwrap_or(rule.id.split_at(0));
        Ruled { id: format!("{service}/{id}"), rule: (rule.text)(), ok, seen }
    };
    rules.iter().map(one).collect()
}

/// What was seen, if it is as the rule wants it.
fn so(holds: bool, seen: impl Into<String>) -> Verdict {
    if holds { Ok(seen.into()) } else { Err(Broken(seen.into())) }
}

/// Goes on where this is so; where it is not, this is what is wrong.
fn want(holds: bool, otherwise: impl Into<String>) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken(otherwise.into())) }
}

/// How many keys are on a card.
fn keys_on(card: &CardView) -> usize {
    card.slots.iter().filter(|slot| slot.key.is_some()).count()
}

/// Something that has to be there for a rule to be looked at.
pub fn there<T>(found: Option<T>, what: &str) -> Result<T, Broken> {
    found.ok_or_else(|| Broken(format!("there is no {what}")))
}
