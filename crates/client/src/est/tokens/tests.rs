use super::*;

fn transaction() -> TransactionId {
    TransactionId::from_random([1; 16])
}

#[test]
fn what_is_written_is_read_back() {
    let (nonce, token) = (Nonce::from_random([2; 16]), PendToken::from_bytes(&[3; 40]).unwrap());
    let thread = Thread { transaction: transaction(), nonce: nonce.clone() };
    let read = Thread::from_bytes(&thread.to_bytes()).unwrap();
    assert_eq!((read.transaction.as_bytes(), read.nonce.as_bytes()), (transaction().as_bytes(), nonce.as_bytes()));

    let fetch = Fetch::Token { transaction: &transaction(), reply_to: Some(&nonce), token: &token }.to_pick_up();
    let OwnedFetch::Token { transaction: t, reply_to, token: k } = OwnedFetch::from_pick_up(&fetch).unwrap() else {
        panic!("another kind came back")
    };
    assert_eq!((t.as_bytes(), k.as_bytes()), (transaction().as_bytes(), token.as_bytes()));
    assert_eq!(reply_to.unwrap().as_bytes(), nonce.as_bytes());

    let again = OwnedFetch::from_pick_up(&Fetch::Again(b"message").to_pick_up()).unwrap();
    assert!(matches!(again, OwnedFetch::Again(message) if message == b"message"));
}

#[test]
fn anything_else_is_foreign() {
    let fetch =
        Fetch::Token { transaction: &transaction(), reply_to: None, token: &PendToken::from_bytes(&[3; 40]).unwrap() };
    let good = fetch.to_pick_up().0.clone();
    for cut in 0..good.len() {
        assert!(OwnedFetch::from_pick_up(&PickUp(good[..cut].to_vec())).is_err(), "cut at {cut}");
    }
    let longer = [good.as_slice(), &[0, 0, 0, 9]].concat();
    let endless = [&[TOKEN][..], &[0xFF; 64]].concat();
    for bytes in [longer, endless, Vec::new(), b"https://ca.example/pickup/1".to_vec()] {
        assert!(OwnedFetch::from_pick_up(&PickUp(bytes.clone())).is_err());
        assert!(OwnedTaken::from_receipt(&Receipt(bytes.clone())).is_err());
        assert!(Thread::from_bytes(&bytes).is_err());
    }
}
