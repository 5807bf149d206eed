use std::time::SystemTime;

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_enroll::cmc::{FullRequestBuilder, Nonce, Signer, TransactionId};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use obnova_reference_ca::house::Holder;
use obnova_renewal::{Pair, ParsedCertificate};
use x509_cert::{
    Certificate,
    ext::pkix::{KeyUsage, KeyUsages, name::GeneralName},
};

use super::{Stage, rules::Broken};
use crate::failure::internal;

/// A holder whose client was bent: it skips its own checks and sends what it is told to. The keys are in software.
pub struct Liar {
    name: String,
    email: String,
    /// Keys and certificates, authentication first.
    pair: [(CaKey, Certificate); 2],
    keys: Pair<KeyAlgorithm>,
    number: u32,
}

/// One lie: an order that is right but for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// None: for comparison.
    None,
    /// Only the authentication certificate is asked for.
    OnlyOne,
    /// Only the old authentication key signs.
    OneSigner,
    /// Another name is asked for.
    OtherName,
    /// Another address is asked for.
    OtherAddress,
    /// The old signature key did not sign, but that of somebody else's pair.
    ForeignSigner,
}

impl Liar {
    /// A holder with a pair that ends soon.
    pub fn new(stage: &Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let (name, email) = (format!("CN=Liar {number},C=CZ"), format!("liar-{number}@holder.example"));
        let keys = stage.service.expects.keys(KeyAlgorithm::P256);
        let (authentication, signature) = (CaKey::generate(keys.authentication)?, CaKey::generate(keys.signature)?);
        let holder = Holder { name: name.clone(), email: email.clone() };
        let first = stage.house().first_pair(
            &holder,
            authentication.public_key(),
            signature.public_key(),
            stage.days_left(),
            SystemTime::now(),
        )?;
        let pair = [(authentication, first.authentication.certificate), (signature, first.signature.certificate)];
        Ok(Self { name, email, pair, keys, number })
    }

    /// The old certificates end.
    pub fn is_revoked(&self, stage: &Stage) -> Result<(), Broken> {
        self.pair.iter().try_for_each(|(_, one)| Ok(stage.revoke(&ParsedCertificate::try_from(one)?)?))
    }

    /// The order, with new keys, and the lie in it.
    pub fn order(&self, lie: Lie, other: &Self) -> Result<Vec<u8>, Broken> {
        let mut id = [0x4c; 16];
        id[..4].copy_from_slice(&self.number.to_be_bytes());
        let mut builder = FullRequestBuilder::new(TransactionId::from_random(id), Nonce::from_random([7; 16]));
        builder = builder.request(self.request(self.keys.authentication, KeyUsages::DigitalSignature, lie)?);
        if lie != Lie::OnlyOne {
            builder = builder.request(self.request(self.keys.signature, KeyUsages::NonRepudiation, lie)?);
        }
        let mut signing: Vec<&(CaKey, Certificate)> = self.pair.iter().collect();
        match lie {
            Lie::OneSigner => signing.truncate(1),
            Lie::ForeignSigner => signing[1] = &other.pair[1],
            _ => {}
        }
        let signers = signing.iter();
        let signers: Vec<_> = signers
            .map(|(key, certificate)| Signer { certificate: certificate.clone(), algorithm: key.algorithm() })
            .collect();
        let to_sign = builder.finalize(&signers)?;
        let signed = to_sign.sign_with(|to_sign| signing[to_sign.signer].0.sign(&to_sign.bytes));
        signed.map_err(|error| internal(error).into())
    }

    fn request(&self, key: KeyAlgorithm, usage: KeyUsages, lie: Lie) -> Result<CertificationRequest, Broken> {
        let key = CaKey::generate(key)?;
        let name = if lie == Lie::OtherName { "CN=Somebody Else,C=CZ" } else { &self.name };
        let email = if lie == Lie::OtherAddress { "somebody@else.example" } else { &self.email };
        let address = GeneralName::Rfc822Name(x509_cert::der::asn1::Ia5String::new(email)?);
        let to_sign = RequestBuilder::new(name.parse()?, key.public_key().clone(), key.algorithm())
            .subject_alt_name(vec![address])
            .key_usage(KeyUsage(usage.into()))
            .finalize()?;
        Ok(to_sign.assemble(&key.sign(to_sign.bytes())?)?)
    }
}
