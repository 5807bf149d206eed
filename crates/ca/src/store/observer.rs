/// Somebody who is there while a [`SqliteStore`](super::SqliteStore) writes, and may end it as a power cut would: at any of its
/// writes, whichever desk of the CA it is for.
///
/// Where one of these says `false`, who wanted the change is told [`StoreError::Stopped`](super::StoreError::Stopped), or is not
/// called back.
pub trait WriteObserver: Send + Sync {
    /// A change is asked for, called so. `false`: it is not made.
    fn before(&self, change: &str) -> bool;

    /// It is on disk, or was refused. `false`: nobody hears of it.
    fn after(&self, change: &str) -> bool;
}

/// What a change is called: as the method that makes it, also where it has another one do so.
pub(super) fn name_of<W>() -> &'static str {
    let path = std::any::type_name::<W>();
    let method = path.trim_end_matches("::{{closure}}").trim_end_matches('>').trim_end_matches("::{{closure}}");
    method.rsplit("::").next().unwrap_or(method)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::SystemTime,
    };

    use super::WriteObserver;
    use crate::{SqliteStore, Store as _, StoreError, Transaction, store::CertificateRecord};

    /// Ends the store at the point of this number.
    struct Ends {
        at: usize,
        passed: Mutex<Vec<String>>,
    }

    impl Ends {
        fn pass(&self, point: String) -> bool {
            let mut passed = self.passed.lock().unwrap();
            passed.push(point);
            passed.len() <= self.at
        }
    }

    impl WriteObserver for Ends {
        fn before(&self, change: &str) -> bool {
            self.pass(format!("before {change}"))
        }

        fn after(&self, change: &str) -> bool {
            self.pass(format!("after {change}"))
        }
    }

    fn certificate() -> CertificateRecord {
        let der = b"any".to_vec();
        let profile = crate::Profile::Authentication;
        let key =
            crate::KeyHash::of(crate::CaKey::generate(obnova_algorithm::KeyAlgorithm::P256).unwrap().public_key());
        let not_after = SystemTime::now();
        let (key, subject) = (key.unwrap(), "CN=Jana".to_owned());
        CertificateRecord { serial: vec![7], profile, key, subject, not_after, der, revoked: false }
    }

    #[test]
    fn a_change_is_named_and_made_or_not_and_told_or_not() {
        for (at, is_told, is_made) in [(0, false, false), (1, false, true), (2, true, true)] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ca.db");
            let ends = Arc::new(Ends { at, passed: Mutex::default() });
            let store = SqliteStore::open(&path).unwrap().observed(ends.clone());
            let told = store.add(vec![certificate()]);
            assert_eq!(told, if is_told { Ok(()) } else { Err(StoreError::Stopped) });
            let passed = ["before add", "after add"];
            assert_eq!(*ends.passed.lock().unwrap(), passed[..2.min(at + 1)]);
            let kept = SqliteStore::open(&path).unwrap().certificate(&[7]).unwrap();
            assert_eq!(kept.is_some(), is_made, "ended at {at}");
        }
    }

    #[test]
    fn what_is_refused_is_told_too() {
        let folder = tempfile::tempdir().unwrap();
        let ends = Arc::new(Ends { at: 2, passed: Mutex::default() });
        let store = SqliteStore::open(&folder.path().join("ca.db")).unwrap().observed(ends.clone());
        let nobody = Transaction::new(b"nobody").unwrap();
        assert!(matches!(store.reject(&nobody, "", SystemTime::now()), Err(StoreError::NoSuchOrder(_))));
        assert_eq!(*ends.passed.lock().unwrap(), ["before reject_and_tell", "after reject_and_tell"]);
    }
}
