//! The life of a CA, that ends at one of its writes: before it, or after it is on disk and nobody heard of it.

use std::sync::{Arc, Mutex};

use obnova_ca::store::WriteObserver;

/// Passes its points, and at one of them ends.
#[derive(Default)]
pub struct Life {
    ends_at: Option<usize>,
    passed: Mutex<Vec<String>>,
}

impl Life {
    pub fn forever() -> Arc<Self> {
        Arc::default()
    }

    pub fn until(point: usize) -> Arc<Self> {
        Arc::new(Self { ends_at: Some(point), ..Self::default() })
    }

    /// Before and after which writes it was.
    pub fn passed(&self) -> Vec<String> {
        self.passed.lock().unwrap().clone()
    }

    fn pass(&self, point: String) -> bool {
        let mut passed = self.passed.lock().unwrap();
        let is_over = self.ends_at.is_some_and(|end| passed.len() > end);
        if !is_over {
            passed.push(point);
        }
        self.ends_at.is_none_or(|end| passed.len() <= end)
    }
}

impl WriteObserver for Life {
    fn before(&self, change: &str) -> bool {
        self.pass(format!("before {change}"))
    }

    fn after(&self, change: &str) -> bool {
        self.pass(format!("after {change}"))
    }
}
