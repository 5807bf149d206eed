//! The world is broken in one way after the other, and the rules that are broken by it turn red: those, and no others.

/// Broken worlds: a test each, of what is red in it. One test more walks the rules of the play, none of which may be green in all
/// of them.
macro_rules! worlds {
    ($rules:expr; $($name:ident: $world:expr => [$($red:literal),* $(,)?];)+) => {
        $(
            #[test]
            fn $name() {
                let expected: &[&str] = &[$($red),*];
                assert_eq!($world.red(), expected);
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

mod activation;
mod bent_ca;
mod careless;
mod partner;
mod twins;
