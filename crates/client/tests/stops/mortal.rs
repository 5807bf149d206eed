use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The life of a process: counts the points that it passes, and ends at one of them. Clones are the same life.
#[derive(Clone, Default)]
pub struct Mortal(Arc<Mutex<Life>>);

#[derive(Default)]
struct Life {
    /// What was passed, in order.
    points: Vec<String>,
    ends_at: Option<usize>,
    dead: bool,
    watch: Option<Watch>,
}

/// Somebody who looks at each point that is passed.
type Watch = Box<dyn FnMut(&str) + Send>;

/// This life is over, since this very moment or longer ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dead {
    pub just_now: bool,
}

impl Mortal {
    /// A life that does not end by itself.
    pub fn forever() -> Self {
        Self::default()
    }

    /// A life that ends at this point, from 0.
    pub fn until(point: usize) -> Self {
        Self(Arc::new(Mutex::new(Life { ends_at: Some(point), ..Life::default() })))
    }

    /// A life that does not end by itself, and is looked at wherever it passes a point.
    pub fn watched(watch: impl FnMut(&str) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Life { watch: Some(Box::new(watch)), ..Life::default() })))
    }

    /// Passes a point, or ends there.
    pub fn pass(&self, what: impl FnOnce() -> String) -> Result<(), Dead> {
        let mut life = self.life();
        if life.dead {
            return Err(Dead { just_now: false });
        }
        let (point, what) = (life.points.len(), what());
        if let Some(watch) = &mut life.watch {
            watch(&what);
        }
        life.points.push(what);
        life.dead = life.ends_at == Some(point);
        if life.dead { Err(Dead { just_now: true }) } else { Ok(()) }
    }

    /// Has an effect on the world, with a point before it and one after it.
    pub fn effect<T>(&self, name: &str, act: impl FnOnce() -> T) -> Result<T, Dead> {
        self.pass(|| format!("before {name}"))?;
        let done = act();
        self.pass(|| format!("after {name}"))?;
        Ok(done)
    }

    pub fn is_dead(&self) -> bool {
        self.life().dead
    }

    /// What was passed so far.
    pub fn points(&self) -> Vec<String> {
        self.life().points.clone()
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[test]
fn a_life_ends_once_and_has_no_effect_after_it() {
    let life = Mortal::until(1);
    let mut done = 0;
    assert_eq!(life.effect("one", || done += 1), Err(Dead { just_now: true }));
    assert_eq!(life.effect("two", || done += 1), Err(Dead { just_now: false }));
    assert_eq!((done, life.points()), (1, vec!["before one".to_owned(), "after one".to_owned()]));
}
