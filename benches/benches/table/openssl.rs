//! OpenSSL as a peer, in this process: the library of the system.

use obnova_algorithm::{Digest, DigestValue, KeyAlgorithm, SignatureAlgorithm};
use openssl::{
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    md::{Md, MdRef},
    nid::Nid,
    pkey::{PKey, Private},
    pkey_ctx::PkeyCtx,
    rsa::{Padding, Rsa},
    sign::RsaPssSaltlen,
    stack::Stack,
    x509::{
        X509Extension, X509Name, X509Req,
        extension::{KeyUsage, SubjectAlternativeName},
    },
};

pub struct OpensslKey(PKey<Private>);

impl OpensslKey {
    pub fn generate(algorithm: KeyAlgorithm) -> Self {
        let ec = |curve| {
            let group = EcGroup::from_curve_name(curve).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        Self(match algorithm {
            KeyAlgorithm::P256 => ec(Nid::X9_62_PRIME256V1),
            KeyAlgorithm::P384 => ec(Nid::SECP384R1),
            rsa => PKey::from_rsa(Rsa::generate(rsa.bits()).unwrap()).unwrap(),
        })
    }

    pub fn from_pkcs8(pkcs8: &[u8]) -> Self {
        Self(PKey::private_key_from_pkcs8(pkcs8).unwrap())
    }

    pub fn sign(&self, algorithm: SignatureAlgorithm, digest: &DigestValue) -> Vec<u8> {
        let mut signature = Vec::new();
        let mut context = PkeyCtx::new(&self.0).unwrap();
        context.sign_init().unwrap();
        set(&mut context, algorithm);
        context.sign_to_vec(digest.as_bytes(), &mut signature).unwrap();
        signature
    }

    /// What is measured is a signature indeed.
    pub fn check(&self, algorithm: SignatureAlgorithm, digest: &DigestValue) {
        let mut context = PkeyCtx::new(&self.0).unwrap();
        context.verify_init().unwrap();
        set(&mut context, algorithm);
        assert!(context.verify(digest.as_bytes(), &self.sign(algorithm, digest)).unwrap());
    }

    /// A certification request of this key: common name, key usage, one mail address.
    pub fn request(&self, name: &str, mail: &str) -> Vec<u8> {
        let mut subject = X509Name::builder().unwrap();
        subject.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
        let mut request = X509Req::builder().unwrap();
        request.set_version(0).unwrap();
        request.set_subject_name(&subject.build()).unwrap();
        request.set_pubkey(&self.0).unwrap();
        let mut extensions = Stack::<X509Extension>::new().unwrap();
        extensions.push(KeyUsage::new().critical().digital_signature().build().unwrap()).unwrap();
        let names = SubjectAlternativeName::new().email(mail).build(&request.x509v3_context(None)).unwrap();
        extensions.push(names).unwrap();
        request.add_extensions(&extensions).unwrap();
        request.sign(&self.0, MessageDigest::sha256()).unwrap();
        request.build().to_der().unwrap()
    }
}

fn set(context: &mut PkeyCtx<Private>, algorithm: SignatureAlgorithm) {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1(_) => context.set_rsa_padding(Padding::PKCS1).unwrap(),
        SignatureAlgorithm::RsaPss(_) => {
            context.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
            context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
        SignatureAlgorithm::Ecdsa(_) => {}
    }
    context.set_signature_md(md(algorithm.digest())).unwrap();
}

fn md(digest: Digest) -> &'static MdRef {
    match digest {
        Digest::Sha256 => Md::sha256(),
        Digest::Sha384 => Md::sha384(),
        Digest::Sha512 => Md::sha512(),
    }
}
