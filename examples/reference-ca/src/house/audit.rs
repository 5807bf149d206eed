//! The store of a CA in a directory, with the anchors of its audit log.

use std::{io, path::Path};

use obnova_algorithm::Digest;
use obnova_ca::{AuditAnchors, AuditKey, Issuer, KeyFileError, SqliteStore};

use super::{HouseError, layout::Layout, parent};

/// Opens the database; the anchors of its audit log are beside it.
pub(super) fn store(layout: &Layout) -> Result<SqliteStore, HouseError> {
    let path = layout.audit_secret();
    let key = load_or_make(&path, &layout.audit_anchors()).map_err(|source| HouseError::Key { path, source })?;
    Ok(SqliteStore::open_anchored(&layout.database(), AuditAnchors::new(layout.audit_anchors(), key))?)
}

/// A CA that is older than its audit log gets a key. Where there are anchors already, a key that is missing is missed.
fn load_or_make(path: &Path, anchors: &Path) -> Result<AuditKey, KeyFileError> {
    let missing = |path: &Path| matches!(path.try_exists(), Ok(false));
    if missing(path) && missing(anchors) {
        // All of it under its name, or nothing: another process may look for it at this moment, and has made it then.
        let beside = tempfile::Builder::new().prefix(".obnova-ca-").tempdir_in(parent(path))?;
        let unfinished = beside.path().join("audit.secret");
        AuditKey::generate()?.save(&unfinished)?;
        match std::fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
    }
    AuditKey::load(path)
}

/// What a CA was opened with: the policy file and the CA's certificate, as `sha256sum` and `openssl x509 -fingerprint -sha256` name
/// them.
pub(super) fn loaded(policy: &str, issuer: &Issuer) -> String {
    let hash =
        |bytes: &[u8]| Digest::Sha256.of(bytes).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (policy, issuer) = (hash(policy.as_bytes()), hash(&issuer.certificate().der));
    format!("policy {policy} certificate {issuer} version {}", env!("CARGO_PKG_VERSION"))
}
