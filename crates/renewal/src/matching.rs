use obnova_algorithm::SubjectPublicKeyInfoOwned;

use crate::{ByRole, ParsedCertificate};

/// A certificate that came as a file, with the name it came under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Name of the file.
    pub name: String,
    /// What is in it.
    pub certificate: ParsedCertificate,
}

/// Which of the loose certificates belong to keys that wait, by public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// For each key the certificate that is for it, if it is there.
    pub found: ByRole<Loose>,
    /// The rest: issuers perhaps, or somebody else's.
    pub rest: Vec<Loose>,
}

/// Matches loose certificates to the keys of an order. Whichever of two a holder picked, the other is found with it when it
/// lies among them: hand in the file that was named and its neighbours.
#[must_use]
pub fn match_loose(loose: Vec<Loose>, keys: &ByRole<&SubjectPublicKeyInfoOwned>) -> Matched {
    let mut matched = Matched { found: ByRole::default(), rest: Vec::new() };
    for one in loose {
        let role = keys.iter().find(|(_, key)| **key == one.certificate.public_key()).map(|(role, _)| role);
        match role.map(|role| matched.found.place(role)) {
            Some(place @ None) => *place = Some(one),
            // The same file under two names is no surprise; another certificate for the key is for the check to refuse.
            Some(Some(known)) if known.certificate == one.certificate => {}
            _ => matched.rest.push(one),
        }
    }
    matched
}

impl Matched {
    /// Everything that was matched or may help to, as the check wants it: what was matched first.
    #[must_use]
    pub fn into_certificates(self) -> Vec<Vec<u8>> {
        let found = [self.found.authentication, self.found.signature].into_iter().flatten();
        found.chain(self.rest).map(|one| one.certificate.der().to_vec()).collect()
    }
}
