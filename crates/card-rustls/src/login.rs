use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, SignatureScheme,
    client::{ResolvesClientCert, Resumption, WantsClientCert},
    crypto::aws_lc_rs,
    sign::CertifiedKey,
};

use crate::{CardKey, LoginError, PinSource, signer::CardSigningKey};

/// One login with a card: the configuration for the connection, and afterwards the answer to "was it me who was let in?".
///
/// A TLS client learns nothing when a server does not ask for its certificate, or takes none of the card's signatures: the
/// handshake goes through and somebody is served, who is nobody. So ask [`finish`](Self::finish) after each handshake.
///
/// The first failure ends a login: whatever the connection tries again, the card and its PIN's tries are left alone. Make
/// another one after telling the holder. Do not use one login in two handshakes at a time.
///
/// Signing blocks for as long as the card takes, some hundred milliseconds: do the handshake on a thread that may wait,
/// never on an async worker.
#[derive(Clone, Debug)]
pub struct Login {
    key: CardKey,
    resolver: Arc<Resolver>,
}

impl Login {
    /// Prepares a login with a key; `pins` is asked for one PIN a handshake.
    #[must_use]
    pub fn new(key: &CardKey, pins: impl PinSource + 'static) -> Self {
        let record = Record::default();
        let signing = CardSigningKey::new(key.clone(), Arc::new(pins), record.clone());
        let certified = Arc::new(CertifiedKey::new(key.chain().to_vec(), Arc::new(signing)));
        Self { key: key.clone(), resolver: Arc::new(Resolver { key: key.clone(), certified, record }) }
    }

    /// A configuration that trusts `roots` for the server, offers the [versions](CardKey::versions) in which the card's key
    /// can be used, and resumes no session, so that every handshake is signed by the card.
    ///
    /// # Errors
    /// Those of rustls, for a configuration that does not hold together.
    pub fn client_config(&self, roots: impl Into<Arc<RootCertStore>>) -> Result<ClientConfig, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(self.key.versions())?
            .with_root_certificates(roots);
        Ok(self.configure(builder))
    }

    /// The same for a configuration of your own. Let it offer no other [versions](CardKey::versions) than the key's.
    #[must_use]
    pub fn configure(&self, builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
        let mut config = builder.with_client_cert_resolver(self.resolver());
        config.resumption = Resumption::disabled();
        config
    }

    /// The bare resolver, for configurations that are built elsewhere. Switch session resumption off there: a resumed
    /// session is not signed, and [`finish`](Self::finish) would rightly say so.
    #[must_use]
    pub fn resolver(&self) -> Arc<dyn ResolvesClientCert> {
        self.resolver.clone()
    }

    /// Whether the key has signed in the handshake since the last [`finish`](Self::finish).
    #[must_use]
    pub fn was_used(&self) -> bool {
        matches!(*self.resolver.record.lock(), State::Signed(_))
    }

    /// Closes the record of a handshake, to be called when it is over, whatever its end: by which scheme did the key sign?
    ///
    /// The server's verdict on the certificate is another matter. In TLS 1.3 it comes after the handshake: as an alert, or as
    /// the server's first data.
    ///
    /// # Errors
    /// [`LoginError`]: the key did not sign, and why. When it was the card, its own error is [in
    /// there](LoginError::token), of which the connection says little.
    pub fn finish(&self) -> Result<SignatureScheme, Arc<LoginError>> {
        let mut state = self.resolver.record.lock();
        if let State::Failed(error) = &*state {
            return Err(error.clone());
        }
        match std::mem::take(&mut *state) {
            State::Signed(scheme) => Ok(scheme),
            State::Failed(error) => Err(error),
            State::NotAsked => Err(Arc::new(LoginError::NotAsked)),
            State::Promised => Err(Arc::new(LoginError::NotFinished)),
            State::NoCommonScheme { offered } => {
                Err(Arc::new(LoginError::NoCommonScheme { card: self.key.schemes(), offered }))
            }
        }
    }
}

impl Login {
    /// Joins the handshake's own end with [`finish`](Self::finish): what it gave, and by which scheme the key signed.
    ///
    /// # Errors
    /// What comes first of: why the card did not sign; why the connection failed ([`LoginError::Connection`]); why a handshake
    /// that went through was nobody's.
    pub fn conclude<T, E>(&self, handshake: Result<T, E>) -> Result<(T, SignatureScheme), Arc<LoginError>>
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match (self.finish(), handshake) {
            (Ok(scheme), Ok(value)) => Ok((value, scheme)),
            (Err(error), Ok(_)) => Err(error),
            (Err(error), Err(_)) if error.is_from_the_card() => Err(error),
            (_, Err(connection)) => Err(Arc::new(LoginError::Connection(connection.into()))),
        }
    }
}

/// How far the key got in the handshake that is going on.
#[derive(Debug, Default)]
enum State {
    #[default]
    NotAsked,
    NoCommonScheme {
        offered: Vec<SignatureScheme>,
    },
    Promised,
    Signed(SignatureScheme),
    /// For good.
    Failed(Arc<LoginError>),
}

/// What happened to the key, shared by resolver, signer and login.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<State>>);

impl Record {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The failure that ended the login, if one did.
    pub(crate) fn failure(&self) -> Option<Arc<LoginError>> {
        match &*self.lock() {
            State::Failed(error) => Some(error.clone()),
            _ => None,
        }
    }

    pub(crate) fn signed(&self, scheme: SignatureScheme) {
        self.set(State::Signed(scheme));
    }

    pub(crate) fn failed(&self, error: Arc<LoginError>) {
        self.set(State::Failed(error));
    }

    fn set(&self, state: State) {
        let mut current = self.lock();
        if !matches!(*current, State::Failed(_)) {
            *current = state;
        }
    }
}

#[derive(Debug)]
struct Resolver {
    key: CardKey,
    certified: Arc<CertifiedKey>,
    record: Record,
}

impl ResolvesClientCert for Resolver {
    /// The issuers that the server hints at are not looked at: which certificate to log in with was the holder's choice, and
    /// hints that name only a root would hide a good one.
    fn resolve(&self, _hints: &[&[u8]], offered: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if self.key.choose(offered).is_none() {
            self.record.set(State::NoCommonScheme { offered: offered.to_vec() });
            return None;
        }
        self.record.set(State::Promised);
        Some(self.certified.clone())
    }

    fn has_certs(&self) -> bool {
        true
    }
}
