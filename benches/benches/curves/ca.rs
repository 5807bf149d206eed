//! A CA with more and more certificates in its store: orders, pick-ups, lists, notices, and the opening of the database.

mod fill;

use std::{
    fs,
    path::Path,
    time::{Instant, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_benches::{
    Growth, Measure,
    holder::{DAY, Holder, new_house, new_keys},
};
use obnova_ca::{Outcome, SqliteStore, Transaction, store::OrderState};
use obnova_reference_ca::House;

use crate::told::Told;

const KEYS: KeyAlgorithm = KeyAlgorithm::P256;
/// Transactions; what a quarter of them does not exceed counts.
const TRANSACTIONS: usize = 41;
const RUNS: usize = 9;
/// Entries in a list.
const PAGE: u32 = 100;

pub fn prepare(certificates: usize, folder: &Path) {
    let home = folder.join("ca");
    let house = new_house(&home, KEYS);
    let template = Holder::certified(house.ca(), 0, &new_keys(KEYS));
    drop(house);
    fill::fill(&home.join("ca.db"), certificates, &template);
}

pub fn measure(certificates: usize, folder: &Path, told: &mut Told) {
    let home = folder.join("ca");
    let database = home.join("ca.db");
    told.time("open the database", Growth::Flat, RUNS, || SqliteStore::open(&database).unwrap());
    let house = House::open(&home).unwrap();
    let ca = house.ca();
    let chain: Vec<_> = ca.certificates().map(|one| one.certificate.clone()).collect();
    let holder = |number| Holder::certified(ca, number, &new_keys(KEYS));
    let holders: Vec<_> = (1..=TRANSACTIONS).map(holder).collect();
    let [mut orders, mut pick_ups, mut receipts] = [const { Vec::new() }; 3];
    for (number, holder) in holders.iter().enumerate() {
        let order = holder.order(number);
        let now = SystemTime::now();
        let begin = Instant::now();
        let answer = ca.answer(&order.message, None, now).unwrap();
        orders.push(begin.elapsed());
        let name = Transaction::new(order.transaction.as_bytes()).unwrap();
        let token = ca.token(&ca.order(&name).unwrap().unwrap());
        let begin = Instant::now();
        let outcome = ca.pick_up(&token).unwrap();
        pick_ups.push(begin.elapsed());
        assert!(matches!(outcome, Outcome::Issued(certificates) if certificates.len() == 2));
        let receipt = order.receipt(&order.read(&chain, &answer.message));
        let begin = Instant::now();
        ca.answer(&receipt, None, now).unwrap();
        receipts.push(begin.elapsed());
        assert_eq!(ca.order(&name).unwrap().unwrap().state, OrderState::Confirmed);
    }
    told.times("order and answer", Growth::Logarithmic, &orders);
    told.times("confirmed receipt", Growth::Logarithmic, &receipts);
    told.times("pick-up", Growth::Logarithmic, &pick_ups);
    let listed = told.time("list the newest 100 orders", Growth::Flat, RUNS, || ca.list(None, PAGE).unwrap());
    assert_eq!(listed.len(), PAGE as usize);
    let pending = Some(OrderState::Pending);
    let listed = told.time("list 100 pending orders", Growth::Logarithmic, RUNS, || ca.list(pending, PAGE).unwrap());
    assert_eq!(listed.len(), PAGE as usize);
    drop(house);
    // A window in which as many certificates end, however many there are: half of them are replaced.
    let from = SystemTime::now() + 100 * DAY;
    let until = from + 365 * DAY * 400 / certificates as u32;
    let notices = |house: &House| {
        let notices = house.ca().notices(from, until, 1_000).unwrap();
        assert!((90..=110).contains(&notices.len()), "{}", notices.len());
    };
    // Each time by a house that was just opened, as the process has that sends them: it remembers no page of the database.
    let fresh = || House::open(&home).unwrap();
    let mut times = Vec::new();
    for house in (0..RUNS).map(|_| fresh()) {
        let begin = Instant::now();
        notices(&house);
        times.push(begin.elapsed());
    }
    told.times("notices of 200 who end", Growth::Logarithmic, &times);
    told.memory(Growth::Flat);
    let house = fresh();
    told.time("look for damage", Growth::Linear, 1, || house.ca().check_store().unwrap());
    drop(house);
    told.figure("database file", Measure::Bytes, Growth::Linear, fs::metadata(&database).unwrap().len() as f64);
}
