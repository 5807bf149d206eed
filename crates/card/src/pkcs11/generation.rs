//! Key pairs that are made, and what is left of one where that was interrupted.

use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned, key_id};

use super::{
    convention::{KeyLabel, Stage},
    conversation::Conversation,
    keys,
    objects::{self, Pair, always_asks, private_keys},
    sign,
};
use crate::{
    GenerateKey, SlotId, TokenError,
    check::{check_generated, same_key},
};

const CALL: &str = "C_GenerateKeyPair";

/// Makes a pair, in three steps of which the last makes it whole: both objects, the private key's identifier, the public
/// key's identifier and label. Until then the label says that it is unfinished.
///
/// Nothing is written to what came as the new pair before it is known to be that: it has the identifier that was given for
/// it, and its key was not there `before`.
pub(super) fn make(
    card: &Conversation,
    request: &GenerateKey,
    before: &[(SlotId, Pair)],
) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
    let unsupported = || TokenError::Unsupported { what: format!("make {} keys", request.algorithm) };
    let (mechanism, kind) = keys::generation(request.algorithm).ok_or_else(unsupported)?;
    // The identifier comes from the public key, which is not known yet. Until then a random one keeps the pair together.
    let given = card.random(20)?;
    let id = Attribute::Id(given.clone());
    let public = [
        Attribute::Token(true),
        id.clone(),
        label(request, Stage::BeingMade),
        Attribute::Private(false),
        Attribute::Verify(true),
    ];
    let private = [
        Attribute::Token(true),
        id.clone(),
        label(request, Stage::Whole),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
        Attribute::Decrypt(false),
    ];
    let about = format!("{} [{} {}]", request.algorithm, request.role, request.slot);
    let (public, private) = card.generate(&about, &mechanism, &[&public[..], &kind].concat(), &private)?;
    let made = objects::pairs(card)?.into_iter().find(|pair| pair.public == Some(public));
    let Some(made) = made else { return Err(not_there(card, request, &given, public, private)) };
    check_generated(CALL, &made.key, request.algorithm)?;
    let was_there = before.iter().any(|(_, pair)| pair.id == given || same_key(&pair.key, &made.key));
    if was_there || made.id != given || !card.attributes(private, &[AttributeType::Id])?.contains(&id) {
        return Err(TokenError::KeyNotNew { command: CALL });
    }
    finish(card, request, &made.key, public, private)?;
    Ok(made.key)
}

/// Why a public key cannot be read that was made just now. The token need not be at fault: another program may have taken it for
/// rubbish. Then its private key, of which nobody would ever see anything, goes too.
fn not_there(
    card: &Conversation,
    request: &GenerateKey,
    given: &[u8],
    public: ObjectHandle,
    private: ObjectHandle,
) -> TokenError {
    match card.find(ObjectClass::PUBLIC_KEY, &[]) {
        Ok(found) if found.contains(&public) => {
            let problem = "the new public key cannot be read or is malformed".to_owned();
            TokenError::Malformed { command: CALL, problem }
        }
        Ok(_) => {
            let is_ours = card
                .attributes(private, &[AttributeType::Id])
                .is_ok_and(|attributes| attributes.contains(&Attribute::Id(given.to_vec())));
            if is_ours {
                let _ = card.destroy("a private key without its public key", private);
            }
            TokenError::Slot {
                slot: request.slot,
                problem: "the key that was made in it was gone at once: end the other program, then try again",
            }
        }
        Err(error) => error,
    }
}

/// What becomes of a pair that was left unfinished where a new one is to be: it is that one, if both its halves are there, it
/// is what is asked for, and it signs. If not it goes, since nobody was ever told of it.
pub(super) fn take_up(
    card: &Conversation,
    request: &GenerateKey,
    left: &Pair,
) -> Result<Option<SubjectPublicKeyInfoOwned>, TokenError> {
    let private = private_keys(card, left)?;
    let is_wanted = left.label.stage == Stage::BeingMade
        && left.label.place == Some((request.role, request.slot))
        && left.algorithm == request.algorithm;
    if let (true, Some(public), [private]) = (is_wanted, left.public, private.as_slice())
        && signs(card, left, *private)?
    {
        finish(card, request, &left.key, public, *private)?;
        return Ok(Some(left.key.clone()));
    }
    // Looked at once more before it goes: no other process has the token by this driver, but who knows what else has.
    let still_left = match left.public {
        Some(public) => card.attributes(public, &[AttributeType::Label])?.into_iter().any(
            |label| matches!(label, Attribute::Label(text) if KeyLabel::parse(&String::from_utf8_lossy(&text)) == left.label),
        ),
        None => false,
    };
    if !still_left {
        let problem = "what was left unfinished in it is somebody's key now: read the slots again";
        return Err(TokenError::Slot { slot: request.slot, problem });
    }
    for object in private.into_iter().chain(left.public) {
        card.destroy("what was left unfinished", object)?;
    }
    Ok(None)
}

/// Whether the private key is a whole one. A module that ended while it wrote one may have left all that can be read of it
/// without the key itself; no more than a signature tells.
fn signs(card: &Conversation, left: &Pair, private: ObjectHandle) -> Result<bool, TokenError> {
    if always_asks(card, private)? {
        // For a PIN of its own, that was not given.
        return Ok(true);
    }
    // By what each module can that makes such keys.
    let algorithm = match left.algorithm.is_rsa() {
        true => SignatureAlgorithm::RsaPkcs1(Digest::Sha256),
        false => SignatureAlgorithm::Ecdsa(Digest::Sha256),
    };
    let digest = algorithm.digest().of(&left.id);
    match sign::sign(card, "with a key that was left unfinished", (left, private), algorithm, &digest) {
        Ok(_) => Ok(true),
        Err(error @ TokenError::Transport(_)) => Err(error),
        Err(_) => Ok(false),
    }
}

fn finish(
    card: &Conversation,
    request: &GenerateKey,
    key: &SubjectPublicKeyInfoOwned,
    public: ObjectHandle,
    private: ObjectHandle,
) -> Result<(), TokenError> {
    let id = key_id(key).map_err(|error| TokenError::Malformed { command: CALL, problem: error.to_string() })?;
    let id = Attribute::Id(id.to_vec());
    card.set(private, "the private key's identifier", std::slice::from_ref(&id))?;
    card.set(public, "the public key's identifier and label", &[id, label(request, Stage::Whole)])
}

fn label(request: &GenerateKey, stage: Stage) -> Attribute {
    let label = KeyLabel { text: request.label.clone(), place: Some((request.role, request.slot)), stage };
    Attribute::Label(label.to_string().into_bytes())
}
