use const_oid::db::rfc5280;
use der::{Decode, Encode};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_card::KeyRole;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};
use x509_cert::ext::{
    Extension,
    pkix::{ExtendedKeyUsage, KeyUsage},
};

use crate::{CardView, Method, NewKey, NotEligible, Oid, PinUse, Plan, Policy, Reason, plan::possible, wire};

/// What a CA wants of an order, asked before it is planned (RFC 7030 §4.5). The default is: anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Keys and signatures on requests that it takes; all, where nothing is said.
    taken: Option<Vec<(KeyAlgorithm, SignatureAlgorithm)>>,
    wanted: Vec<Wanted>,
    /// Its protocol has room for one request, and for nothing beside it: no revocation password, no signature on the order.
    one_request: bool,
    /// Old certificates speak for their holders by a login with them.
    over_login: bool,
}

/// An extension that a CA wants to find in a request, with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted(pub Extension);

impl Wishes {
    /// For a protocol whose orders are one request, and that has no place for a revocation password or a signature on the order.
    #[must_use]
    pub fn one_request() -> Self {
        Self { one_request: true, ..Self::default() }
    }

    /// For a protocol whose renewals go over a login with the old certificate, for which it has to be one to log in with.
    #[must_use]
    pub const fn over_login(mut self) -> Self {
        self.over_login = true;
        self
    }

    /// Only keys with signatures that `takes` says yes to.
    #[must_use]
    pub fn of_keys(mut self, takes: impl Fn(KeyAlgorithm, SignatureAlgorithm) -> bool) -> Self {
        let kinds = [SignatureAlgorithm::RsaPkcs1, SignatureAlgorithm::RsaPss, SignatureAlgorithm::Ecdsa];
        let signatures = || kinds.into_iter().flat_map(|kind| Digest::ALL.map(kind));
        let all = KeyAlgorithm::ALL.into_iter().flat_map(|key| signatures().map(move |signature| (key, signature)));
        self.taken = Some(all.filter(|(key, signature)| signature.fits(*key) && takes(*key, *signature)).collect());
        self
    }

    /// With these extensions in each request.
    #[must_use]
    pub fn with_extensions(mut self, extensions: impl IntoIterator<Item = Extension>) -> Self {
        self.wanted.extend(extensions.into_iter().map(Wanted));
        self
    }

    /// The plan that `make` makes, as the CA wants it: with keys of another kind where the policy leaves that open and the service
    /// certifies them, and with what it wants to find in the requests.
    ///
    /// # Errors
    /// Those of `make`; [`NotEligible`] when the card or the policy has nothing that the CA takes, with what that is.
    pub fn plan(
        &self,
        card: &CardView,
        policy: &Policy,
        make: impl Fn(&Policy) -> Result<Plan, NotEligible>,
    ) -> Result<Plan, NotEligible> {
        let mut plan = make(policy)?;
        let mut reasons = Vec::new();
        if self.one_request && plan.new.len() > 1 {
            reasons.push(Reason::OneRequestOnly { count: plan.new.len() });
        }
        if self.over_login && plan.old.signature.is_some() && plan.old.len() == 1 {
            reasons.push(Reason::NotForLogin { role: KeyRole::Signature });
        }
        if !reasons.is_empty() {
            // What is wanted there is wanted of other orders.
            return Err(NotEligible { reasons });
        }
        let no_place = self.one_request && plan.revocation_password.is_some();
        if no_place && policy.revocation_password_at_once {
            reasons.push(Reason::NoPlaceForPassword);
        }
        reasons.extend(self.not_ours(&plan));
        let open = plan.is_first() || plan.method == Some(Method::ReKey);
        let mut other = policy.clone();
        for (role, new) in self.not_taken(&plan) {
            let algorithm = other.algorithms.get_mut(role);
            match possible(card, policy, role).find(|key| self.takes_usual(*key)) {
                Some(another) if open && algorithm.is_none() => *algorithm = Some(another),
                Some(_) if !open => reasons.push(Reason::KeptKeyNotTaken { role, kept: new.algorithm }),
                _ => reasons.push(self.not_taken_because(policy, role, new)),
            }
        }
        if reasons.is_empty() && other != *policy {
            plan = make(&other)?;
            reasons.extend(self.not_taken(&plan).map(|(role, new)| self.not_taken_because(policy, role, new)));
        }
        if !reasons.is_empty() {
            return Err(NotEligible { reasons });
        }
        plan.wanted.clone_from(&self.wanted);
        if self.one_request {
            plan.drop_uses(|one| matches!(one, PinUse::SignOrder(_)));
        }
        if no_place {
            plan.revocation_password = None;
            plan.revocation_password_optional = false;
            plan.revocation_password_later = true;
        }
        Ok(plan)
    }

    fn takes(&self, key: KeyAlgorithm, signature: SignatureAlgorithm) -> bool {
        self.taken.as_ref().is_none_or(|taken| taken.contains(&(key, signature)))
    }

    fn takes_usual(&self, key: KeyAlgorithm) -> bool {
        self.takes(key, SignatureAlgorithm::default_for(key))
    }

    /// Whose list lacks what: the issuer's has nothing of what the service certifies, or nothing of that which could be offered.
    fn not_taken_because(&self, policy: &Policy, role: KeyRole, new: &NewKey) -> Reason {
        let certified = policy.keys.get(role).filter(|keys| !keys.iter().any(|key| self.takes_usual(*key)));
        match certified {
            Some(certified) => Reason::IssuerAgainstService {
                role,
                certified: certified.clone(),
                taken: KeyAlgorithm::ALL.into_iter().filter(|key| self.takes_usual(*key)).collect(),
            },
            None => Reason::AlgorithmNotTaken { role, algorithm: new.algorithm },
        }
    }

    fn not_taken<'p>(&self, plan: &'p Plan) -> impl Iterator<Item = (KeyRole, &'p NewKey)> {
        plan.new.iter().filter(|(_, new)| !self.takes(new.algorithm, new.request_algorithm))
    }

    /// What is wanted and would make other certificates of it than the plan is for: a CA's, one for other uses, or somebody
    /// else's.
    fn not_ours(&self, plan: &Plan) -> Vec<Reason> {
        let wrong = self.wanted.iter().filter(|Wanted(wanted)| {
            let value = wanted.extn_value.as_bytes();
            match wanted.extn_id {
                rfc5280::ID_CE_BASIC_CONSTRAINTS => true,
                rfc5280::ID_CE_KEY_USAGE => plan.rules.iter().any(|(_, rules)| {
                    let fits = |KeyUsage(found): KeyUsage| {
                        found.contains(rules.key_usage) && (found & rules.no_key_usage).is_empty()
                    };
                    !KeyUsage::from_der(value).is_ok_and(fits)
                }),
                rfc5280::ID_CE_EXT_KEY_USAGE => plan.rules.iter().any(|(_, rules)| {
                    let found = ExtendedKeyUsage::from_der(value);
                    !found.is_ok_and(|found| rules.extended_key_usage.iter().all(|one| found.0.contains(one)))
                }),
                // Whose names they are is seen in an old certificate, and without one it is not seen.
                rfc5280::ID_CE_SUBJECT_ALT_NAME => {
                    plan.is_first()
                        || plan.old.iter().any(|(_, old)| {
                            let own = old.certificate.extension(rfc5280::ID_CE_SUBJECT_ALT_NAME);
                            own.is_none_or(|own| own.extn_value != wanted.extn_value)
                        })
                }
                _ => false,
            }
        });
        wrong.map(|Wanted(wanted)| Reason::ExtensionNotOurs { wanted: Oid(wanted.extn_id) }).collect()
    }
}

impl Serialize for Wanted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::bytes::serialize(&self.0.to_der().map_err(S::Error::custom)?, serializer)
    }
}

impl<'de> Deserialize<'de> for Wanted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let der = wire::bytes::deserialize(deserializer)?;
        Extension::from_der(&der).map(Self).map_err(|_| D::Error::custom("not an extension"))
    }
}
