//! The store of a CA in a directory, with the anchors of its audit log.

use std::path::Path;

use obnova_algorithm::Digest;
use obnova_ca::{AuditAnchors, AuditKey, Issuer, KeyFileError, SqliteStore, to_hex};

use super::{
    HouseError,
    layout::{Layout, is_missing, make_once},
};

/// Opens the database; the anchors of its audit log are beside it.
pub(super) fn store(layout: &Layout) -> Result<SqliteStore, HouseError> {
    let path = layout.audit_secret();
    let key = load_or_make(&path, &layout.audit_anchors()).map_err(|source| HouseError::Key { path, source })?;
    Ok(SqliteStore::open_anchored(&layout.database(), AuditAnchors::new(layout.audit_anchors(), key))?)
}

/// A CA that is older than its audit log gets a key. Where there are anchors already, a key that is missing is missed.
fn load_or_make(path: &Path, anchors: &Path) -> Result<AuditKey, KeyFileError> {
    if is_missing(anchors) {
        make_once(path, |path| AuditKey::generate()?.save(path))?;
    }
    AuditKey::load(path)
}

/// What a CA was opened with: the policy file and the CA's certificate, as `sha256sum` and `openssl x509 -fingerprint -sha256` name
/// them.
pub(super) fn loaded(policy: &str, issuer: &Issuer) -> String {
    let hash = |bytes: &[u8]| to_hex(Digest::Sha256.of(bytes).as_bytes());
    let (policy, issuer) = (hash(policy.as_bytes()), hash(&issuer.certificate().der));
    format!("policy {policy} certificate {issuer} version {}", env!("CARGO_PKG_VERSION"))
}
