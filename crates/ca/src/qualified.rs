use const_oid::ObjectIdentifier;
use der::{
    Sequence,
    asn1::{Any, Ia5String, PrintableString},
};
use x509_cert::ext::Extension;

use crate::{QualifiedPolicy, certificate::raw_extension};

/// id-pe-qcStatements (RFC 3739 §3.2.6).
pub(crate) const QC_STATEMENTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.3");

// ETSI EN 319 412-5 §4.
const QC_COMPLIANCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.1");
const QC_SSCD: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.4");
const QC_PDS: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.5");
const QC_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6");
const QC_TYPE_ESIGN: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.4.0.1862.1.6.1");

/// The qcStatements extension that `policy` asks for, not critical (ETSI EN 319 412-5 §4.1); `None` when it asks for none.
pub(crate) fn qc_statements(policy: &QualifiedPolicy) -> der::Result<Option<Extension>> {
    let mut statements = Vec::new();
    if policy.compliance {
        statements.push(Statement { id: QC_COMPLIANCE, info: None });
    }
    if policy.sscd {
        statements.push(Statement { id: QC_SSCD, info: None });
    }
    if policy.esign {
        statements.push(Statement { id: QC_TYPE, info: Some(Any::encode_from(&vec![QC_TYPE_ESIGN])?) });
    }
    if let Some((url, language)) = &policy.disclosure {
        let location = PdsLocation { url: Ia5String::new(url)?, language: PrintableString::new(language)? };
        statements.push(Statement { id: QC_PDS, info: Some(Any::encode_from(&vec![location])?) });
    }
    (!statements.is_empty()).then(|| raw_extension(QC_STATEMENTS, false, &statements)).transpose()
}

/// `QCStatement` (RFC 3739 §3.2.6).
#[derive(Sequence)]
struct Statement {
    id: ObjectIdentifier,
    #[asn1(optional = "true")]
    info: Option<Any>,
}

/// `PdsLocation` (ETSI EN 319 412-5 §4.3.4).
#[derive(Sequence)]
struct PdsLocation {
    url: Ia5String,
    language: PrintableString,
}
