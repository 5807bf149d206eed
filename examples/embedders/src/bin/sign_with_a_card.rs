//! Signs a text with the signature key of a card, and checks the signature: `sign_with_a_card [--card pcsc:READER]`.

use obnova_card::{KeyRole, SignDigest};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut desk = obnova_embedders::Desk::open()?; // a simulated card, or the one in your reader
    let text = b"I have read it and agree.";

    let slots = desk.token.slots()?;
    let mut keys = slots.iter().filter_map(|slot| slot.key.as_ref().map(|key| (slot.id, key)));
    let (slot, key) = keys.find(|(_, key)| key.role == KeyRole::Signature).ok_or("this card has no signature key")?;
    let algorithm = *key.signs.first().ok_or("this key does not sign")?;

    let pin = desk.holder.pin(key.password, "to sign one text")?;
    let order = SignDigest { slot, algorithm, digest: algorithm.digest().of(text) };
    let signature = desk.token.sign(&[order], &pin)?.remove(0);

    let public_key = key.public_key.as_ref().ok_or("this card does not tell its public keys")?;
    obnova_algorithm::verify(public_key, algorithm, text, &signature)?;
    println!("{algorithm} by the key in slot {slot}: {} bytes, and they check out", signature.len());
    Ok(())
}
