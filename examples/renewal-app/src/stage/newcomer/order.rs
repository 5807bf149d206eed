use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_ca::{CaKey, Profile};
use obnova_card::KeyRole;
use obnova_enroll::{
    OneTimePassword, Secret,
    cmc::{FirstRequestBuilder, Nonce, ProofKey, SealedPassword, TransactionId, UserId},
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use obnova_renewal::Protocol;
use x509_cert::{
    der::asn1::Ia5String,
    ext::pkix::{KeyUsage, KeyUsages, name::GeneralName},
};

use super::Newcomer;
use crate::{failure::internal, stage::rules::Broken};

/// An order that a client makes which was bent: it sends what it is told to, and its keys are in software.
pub struct Bent<'a> {
    pub password: &'a str,
    pub email: &'a str,
    pub revocation: &'a str,
}

/// An order as it is sent.
pub enum Order {
    /// A CMC message.
    Message(Vec<u8>),
    /// A request by plain EST, and who asks.
    Plain { request: CertificationRequest, user: UserId, password: Secret },
}

impl Order {
    /// Where it goes.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Message(_) => "fullcmc",
            Self::Plain { .. } => "simpleenroll",
        }
    }
}

impl Newcomer<'_> {
    /// An order that is right in everything but the password, if that is not.
    pub fn order(&self, password: &OneTimePassword) -> Result<Order, Broken> {
        self.order_with(password.to_text())
    }

    /// The same with any text for a password.
    pub fn order_with(&self, password: &str) -> Result<Order, Broken> {
        self.bent_order(&Bent { password, email: &self.email, revocation: &self.revocation })
    }

    /// By the protocol that the service's orders take.
    pub fn bent_order(&self, bent: &Bent<'_>) -> Result<Order, Broken> {
        let policy = &self.stage.service.policy;
        let secret = Secret::from_bytes(bent.password.as_bytes())?;
        if let (Protocol::Est, Some(role)) = (policy.protocol, policy.rules.roles().next()) {
            let request = self.request(role, &CaKey::generate(self.kind_of_key(role))?, bent.email)?;
            return Ok(Order::Plain { request, user: self.user.clone(), password: secret });
        }
        let mut id = [0x50; 16];
        id[..4].copy_from_slice(&self.stage.next_number().to_be_bytes());
        let mut builder = FirstRequestBuilder::new(TransactionId::from_random(id), Nonce::from_random([7; 16]));
        let mut keys = Vec::new();
        for role in policy.rules.roles() {
            let key = CaKey::generate(self.kind_of_key(role))?;
            builder = builder.request(self.request(role, &key, bent.email)?);
            keys.push(key);
        }
        if policy.revocation_password.is_some() {
            let recipient = self.desk()?.encryption_certificate();
            let recipient = recipient.ok_or_else(|| Broken("the CA takes no revocation passwords".to_owned()))?;
            let password = Secret::from_bytes(bent.revocation.as_bytes())?;
            builder = builder.revocation_password(SealedPassword::seal(&password, recipient)?);
        }
        let to_sign = builder.finalize(&self.user, &ProofKey::derive(Digest::Sha256, &secret, &self.user))?;
        let signed = to_sign.sign_with(|to_sign| keys[to_sign.signer].sign(&to_sign.bytes));
        Ok(Order::Message(signed.map_err(internal)?))
    }

    /// A request for another certificate to log in with, for a key in software.
    pub fn request_with(&self, email: &str) -> Result<CertificationRequest, Broken> {
        let role = KeyRole::Authentication;
        self.request(role, &CaKey::generate(self.kind_of_key(role))?, email)
    }

    fn request(&self, role: KeyRole, key: &CaKey, email: &str) -> Result<CertificationRequest, Broken> {
        let usage = match role {
            KeyRole::Authentication => KeyUsages::DigitalSignature,
            KeyRole::Signature => KeyUsages::NonRepudiation,
        };
        let address = GeneralName::Rfc822Name(Ia5String::new(email)?);
        let to_sign = RequestBuilder::new(self.name.parse()?, key.public_key().clone(), key.algorithm())
            .subject_alt_name(vec![address])
            .key_usage(KeyUsage(usage.into()))
            .key_identifier()
            .finalize()?;
        Ok(to_sign.assemble(&key.sign(to_sign.bytes())?)?)
    }

    /// One that the CA takes; the one that is made fastest, if it does.
    fn kind_of_key(&self, role: KeyRole) -> KeyAlgorithm {
        let profile = match role {
            KeyRole::Authentication => Profile::Authentication,
            KeyRole::Signature => Profile::Signature,
        };
        let keys = &self.stage.house().ca().policy().profile(profile).keys;
        match keys.first() {
            Some(first) if !keys.contains(&KeyAlgorithm::P256) => *first,
            _ => KeyAlgorithm::P256,
        }
    }
}
