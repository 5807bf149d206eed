//! A store filled fast: rows as the CA writes them, with certificates that are one real one under many serial numbers.

use std::{path::Path, time::SystemTime};

use obnova_benches::holder::{DAY, Holder};
use rusqlite::{Connection, params};

const YEAR: u64 = 365 * DAY.as_secs();

/// Fills a database with so many certificates: half of them are old pairs, each replaced by a pair in a confirmed order; and
/// with as many pending orders as make a page, or a hundredth of the others.
pub fn fill(database: &Path, certificates: usize, template: &Holder) {
    let connection = Connection::open(database).unwrap();
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -800000; BEGIN").unwrap();
    let mut rows = Rows { connection: &connection, template, numbers: Numbers(7) };
    let holders = certificates / 4;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for holder in 0..holders {
        let ends = now + YEAR * holder as u64 / holders as u64;
        let subject = format!("CN=Holder {holder},SERIALNUMBER=IDCCZ-{holder:08},C=CZ");
        let old = [0, 1].map(|which| rows.certificate(which, &subject, ends, None));
        let order = rows.order(&subject, "confirmed", now, Some(&old));
        // In the middle of the same window, so that it holds replaced and others.
        let ends = ends + YEAR / holders as u64 / 2;
        for which in [0, 1] {
            rows.certificate(which, &subject, ends, Some(order));
        }
    }
    for pending in 0..(holders / 100).max(100) {
        rows.order(&format!("CN=Pending {pending},C=CZ"), "pending", now, None);
    }
    connection.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

struct Rows<'a> {
    connection: &'a Connection,
    template: &'a Holder,
    numbers: Numbers,
}

const PROFILES: [&str; 2] = ["authentication", "signature"];

impl Rows<'_> {
    /// The serial number of a new certificate.
    fn certificate(&mut self, which: usize, subject: &str, ends: u64, order: Option<i64>) -> Vec<u8> {
        let template = self.template.certificate(which);
        let (mut der, serial) = (template.der.clone(), template.serial());
        let at = der.windows(serial.len()).position(|bytes| bytes == serial).unwrap();
        let at = at..at + serial.len();
        self.numbers.fill(&mut der[at.clone()][1..]);
        let serial = der[at].to_vec();
        let mut insert =
            self.connection.prepare_cached("INSERT INTO certificates VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)").unwrap();
        let key = self.numbers.bytes::<32>();
        let position = order.map(|_| which as i64);
        insert.execute(params![serial, PROFILES[which], key, subject, ends as i64, der, order, position]).unwrap();
        serial
    }

    fn order(&mut self, holder: &str, state: &str, now: u64, replaces: Option<&[Vec<u8>; 2]>) -> i64 {
        let (name, salt, hash) = (self.numbers.bytes::<16>(), self.numbers.bytes::<16>(), self.numbers.bytes::<32>());
        // As long as what our client sends.
        let (message, request) = (self.numbers.bytes::<2900>(), self.numbers.bytes::<330>());
        let decided = (state != "pending").then_some(now as i64);
        let mut insert = self
            .connection
            .prepare_cached(
                "INSERT INTO orders (name, holder, state, token_salt, token_hash, received, decided, confirmed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
            )
            .unwrap();
        let id = insert.insert(params![name, holder, state, salt, hash, now as i64, decided]).unwrap();
        let mut insert = self.connection.prepare_cached("INSERT INTO messages VALUES (?1, ?2)").unwrap();
        insert.execute(params![id, message]).unwrap();
        let waiting = (state == "pending").then_some(1);
        let mut insert =
            self.connection.prepare_cached("INSERT INTO requests VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)").unwrap();
        for (position, profile) in PROFILES.into_iter().enumerate() {
            let key = self.numbers.bytes::<32>();
            let replaced = replaces.map_or_else(|| self.numbers.bytes::<16>().to_vec(), |old| old[position].clone());
            insert.execute(params![id, position as i64, profile, request, key, replaced, waiting]).unwrap();
        }
        id
    }
}

/// Numbers that look random and are the same in every run (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            part.copy_from_slice(&(mixed ^ mixed >> 31).to_be_bytes()[..part.len()]);
        }
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
