//! Every column stands in the list of what is kept, and what has an end there is gone when its time has come.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{collections::BTreeMap, sync::Arc};

use common::{DAY, World, now};
use obnova_ca::RetentionDesk;
use rusqlite::Connection;

/// Columns of the list, each with when it ends.
fn listed() -> BTreeMap<String, String> {
    let mut listed = BTreeMap::new();
    for row in include_str!("../KEPT.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, columns, what, until, _] = cells[..] else { panic!("{row}") };
        assert!(!what.is_empty() && !until.is_empty(), "{row}");
        for column in columns.split(", ") {
            let column = column.strip_prefix('`').and_then(|column| column.strip_suffix('`')).expect(column);
            assert_eq!(listed.insert(column.to_owned(), until.to_owned()), None, "{column} stands there twice");
        }
    }
    listed
}

fn texts(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn columns(connection: &Connection) -> Vec<String> {
    let sql = "SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns
         WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%' ORDER BY 1";
    texts(connection, sql)
}

#[test]
fn every_column_is_listed_and_nothing_else_is() {
    let world = World::new();
    let connection = Connection::open(world.directory.path().join("ca.db")).unwrap();
    let listed: Vec<_> = listed().into_keys().collect();
    assert_eq!(listed, columns(&connection));
    connection.execute_batch("CREATE TABLE more (name TEXT); ALTER TABLE orders ADD COLUMN birthday TEXT").unwrap();
    let more: Vec<_> = columns(&connection).into_iter().filter(|column| !listed.contains(column)).collect();
    assert_eq!(more, ["more.name", "orders.birthday"], "another column would be missed");
}

/// One of everything, all of it over.
const EVERYTHING: &str = "
    INSERT INTO orders (id, name, holder, state, reason, token_salt, token_hash, received, decided)
        VALUES (71, x'71', 'planted', 'rejected', 'planted', x'00', x'71', 10, 10);
    INSERT INTO orders (id, name, holder, state, token_salt, token_hash, received, decided, confirmed)
        VALUES (72, x'72', 'planted', 'confirmed', x'00', x'72', 10, 10, 10);
    INSERT INTO messages VALUES (71, CAST('planted' AS BLOB)), (72, CAST('planted' AS BLOB));
    INSERT INTO repeats VALUES (x'73', 72, CAST('planted' AS BLOB), 10, 10);
    INSERT INTO requests (order_id, position, profile, request, key, same_key)
        VALUES (71, 0, 'signature', CAST('planted' AS BLOB), x'00', 0), (72, 0, 'signature', CAST('planted' AS BLOB), x'00', 0);
    INSERT INTO certificates VALUES (x'74', 'signature', x'00', 'planted', 10, CAST('planted' AS BLOB), 72, 0);
    INSERT INTO links VALUES (x'75', 'transport-pin', CAST('planted' AS BLOB), 10, 10, CAST('planted' AS BLOB));
    INSERT INTO mails (key, kind, recipient, name, subject, body, link, queued, sent)
        VALUES ('planted/1', 'revoked', 'planted', 'planted', 'planted', '', NULL, 10, 10);
    INSERT INTO mails (key, kind, recipient, name, subject, body, link, queued, problem)
        VALUES ('transport-pin/76/1', 'transport-pin', 'planted', 'planted', 'planted', 'planted', x'75', 10, 'planted');
    INSERT INTO subjects (id, user, module, name, email, entered) VALUES (77, 'planted', 'a', x'00', 'planted', 10);
    INSERT INTO credentials (id, subject, issued, expires, proof_keys, hash, order_id, name, email, number)
        VALUES (x'78', 77, 10, 10, x'78', x'78', 72, x'78', 'planted', 1), (x'79', 77, 10, 10, x'79', x'79', NULL, x'79', 'planted', 2);
    INSERT INTO revocation_passwords VALUES (71, x'71', 1, 1, 1, 1), (72, x'72', 1, 1, 1, 1);
    INSERT INTO applicants (id, secret, stage, name, email, country, number, registered, card, transport_pin)
        VALUES (x'76', x'00', 'handed-over', 'planted', 'planted', 'CZ', 'planted', 10, 'planted', CAST('planted' AS BLOB));
    INSERT INTO applicant_certificates VALUES (x'74', x'76');
    INSERT INTO applicants (id, secret, stage, name, email, country, number, registered)
        VALUES (x'80', x'00', 'entered', 'planted', 'planted', 'CZ', 'planted', 10);
    UPDATE subjects SET applicant = x'80' WHERE id = 77;
    UPDATE credentials SET applicant = x'80' WHERE id = x'79';
    INSERT INTO applicant_steps VALUES (x'80', 'register', 10, 'planted', 'planted');";

#[test]
fn what_has_an_end_is_gone_when_its_time_has_come() {
    let world = World::new();
    let connection = Connection::open(world.directory.path().join("ca.db")).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection.execute_batch(EVERYTHING).unwrap();
    let rows = |column: &str| {
        let (table, column) = column.split_once('.').unwrap();
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN ('', x'')");
        connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let ends = listed().into_iter().filter(|(_, until)| !until.starts_with("for ever"));
    let ends: Vec<_> = ends.map(|(column, _)| column).collect();
    assert!(ends.len() > 20);
    for column in &ends {
        assert!(rows(column) > 0, "nothing is planted in {column}");
    }
    let store = Arc::new(world.store());
    let desk = RetentionDesk::new(store, world.ca.policy().retention.clone());
    let due = desk.due(now() + 1000 * DAY).unwrap();
    let forgotten = desk.forget(now() + 1000 * DAY).unwrap();
    assert_eq!(due, forgotten);
    assert_eq!((forgotten.passwords, forgotten.transport_pins), (3, 1));
    for column in &ends {
        assert_eq!(rows(column), 0, "{column} is kept");
    }
    // And what has none stands in no other way than before.
    assert_eq!(texts(&connection, "SELECT holder FROM orders ORDER BY id"), ["", "planted"]);
    assert_eq!(rows("applicants.name"), 1, "of the one with a card");
    assert_eq!(desk.forget(now() + 2000 * DAY).unwrap(), obnova_ca::store::Forgotten::default());
}
