//! The world is broken in one way after the other, and the rules that are broken by it turn red: those, and no others.

use crate::stage::rules::Ruled;

/// Broken worlds: a test each, of what is red in it, with words of why. One test more walks the rules of the play, none of which may
/// be green in all of them.
macro_rules! worlds {
    ($rules:expr; $($name:ident: $world:expr => [$($red:literal: $seen:literal),* $(,)?];)+) => {
        $(
            #[test]
            fn $name() {
                super::assert_red(&$world.rules(), &[$(($red, $seen)),*]);
            }
        )+

        #[test]
        fn no_rule_is_always_green() {
            let red: &[&str] = &[$($($red,)*)+];
            let rules = $rules;
            let green: Vec<_> = rules.iter().map(|rule| rule.id).filter(|id| !red.contains(id)).collect();
            assert!(green.is_empty(), "never red: {green:?}");
            let unknown: Vec<_> = red.iter().filter(|id| rules.iter().all(|rule| rule.id != **id)).collect();
            assert!(unknown.is_empty(), "no such rule: {unknown:?}");
        }
    };
}

/// These are red and no others, each of them for what it was broken by.
fn assert_red(rules: &[Ruled], expected: &[(&str, &str)]) {
    let red: Vec<_> = rules.iter().filter(|one| one.ok == Some(false)).collect();
    red.iter().for_each(|one| println!("{}: {}", one.id, one.seen));
    let found: Vec<_> = red.iter().map(|one| one.id.as_str()).collect();
    let named: Vec<_> = expected.iter().map(|(id, _)| *id).collect();
    assert_eq!(found, named);
    let otherwise: Vec<_> = red.iter().zip(expected).filter(|(one, (_, seen))| !one.seen.contains(seen)).collect();
    assert!(otherwise.is_empty(), "red for another reason: {otherwise:#?}");
}

mod activation;
mod bent_ca;
mod careless;
mod files;
mod partner;
mod twins;
