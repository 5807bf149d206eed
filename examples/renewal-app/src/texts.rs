//! What a holder reads, by message id. Languages are folders of Fluent files under `i18n/`: to add one, translate the
//! files and add its line to [`LANGUAGES`].

use std::sync::LazyLock;

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use obnova_algorithm::text::is_unseen;

/// Language tag and Fluent sources. The first is the one that others fall back to, sentence by sentence.
const LANGUAGES: &[(&str, &[&str])] = &[(
    "en",
    &[
        include_str!("../i18n/en/help.ftl"),
        include_str!("../i18n/en/words.ftl"),
        include_str!("../i18n/en/errors.ftl"),
        include_str!("../i18n/en/card.ftl"),
        include_str!("../i18n/en/doctor.ftl"),
        include_str!("../i18n/en/renewal.ftl"),
        include_str!("../i18n/en/demo.ftl"),
        include_str!("../i18n/en/register.ftl"),
        include_str!("../i18n/en/revocation.ftl"),
        include_str!("../i18n/en/scenario.ftl"),
        include_str!("../i18n/en/simulator.ftl"),
    ],
)];

/// The sentence with this id, its variables filled in: `t!("card-empty")`, `t!("card-title", label = identity.label)`.
///
/// Ids and variables are literal, so that a test can hold them against the files.
macro_rules! t {
    ($id:literal $(,)?) => {
        $crate::texts::format($id, None)
    };
    ($id:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        let mut arguments = fluent_bundle::FluentArgs::new();
        $(arguments.set(stringify!($name), $value);)+
        $crate::texts::format($id, Some(&arguments))
    }};
}
pub(crate) use t;

/// The sentence with this id in the holder's language, or else in English; the id itself if no file has it.
///
/// What is filled in may be text of a card, a certificate or a server: nothing in it that acts on a terminal stays.
pub fn format(id: &str, arguments: Option<&FluentArgs<'_>>) -> String {
    let shown = arguments.map(|arguments| arguments.iter().map(|(name, value)| (name, shown(value))).collect());
    let arguments: Option<&FluentArgs<'_>> = shown.as_ref();
    bundles()
        .find_map(|bundle| {
            let pattern = bundle.get_message(id)?.value()?;
            Some(bundle.format_pattern(pattern, arguments, &mut Vec::new()).into_owned())
        })
        .unwrap_or_else(|| id.to_owned())
}

fn shown<'v>(value: &FluentValue<'v>) -> FluentValue<'v> {
    let acts = |character| is_unseen(character) && character != '\n';
    match value {
        FluentValue::String(text) if text.contains(acts) => FluentValue::from(text.replace(acts, " ")),
        other => other.clone(),
    }
}

/// The sentence with this id, if a file has it. For ids that are computed (the help of commands and options).
pub fn find(id: &str) -> Option<String> {
    bundles().any(|bundle| bundle.has_message(id)).then(|| format(id, None))
}

/// The bundles to look into, the holder's language first.
fn bundles() -> impl Iterator<Item = &'static FluentBundle<FluentResource>> {
    static LOADED: LazyLock<Vec<FluentBundle<FluentResource>>> = LazyLock::new(|| {
        let wanted = wanted_language();
        let own = LANGUAGES.iter().filter(|(tag, _)| *tag == wanted);
        own.chain(LANGUAGES.first()).map(|(tag, files)| load(tag, files)).collect()
    });
    LOADED.iter()
}

/// The language part of the POSIX locale variables.
fn wanted_language() -> String {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty())
        .unwrap_or_default();
    locale.split(['_', '.', '@']).next().unwrap_or_default().to_owned()
}

fn load(tag: &str, files: &[&str]) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new_concurrent(tag.parse().into_iter().collect());
    // Isolation marks are for mixed writing directions; terminals print them as rubbish.
    bundle.set_use_isolating(false);
    for file in files {
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(usable, _)| usable);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

#[cfg(test)]
mod tests;
