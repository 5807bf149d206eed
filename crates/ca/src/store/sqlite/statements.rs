//! Every statement in one place, so that one test can see that none of them reads a whole table.

macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, coalesce((SELECT message FROM messages WHERE order_id = id), x''), holder, state, reason, token_salt,
                 token_hash, received, decided, confirmed, lapse
             FROM orders ",
            $rest
        )
    };
}

macro_rules! certificates {
    ($rest:literal) => {
        concat!(
            "SELECT serial, profile, key, subject, not_after, der,
                 EXISTS (SELECT 1 FROM revocations WHERE revocations.serial = certificates.serial)
             FROM certificates ",
            $rest
        )
    };
}

macro_rules! revocations {
    ($rest:literal) => {
        concat!(
            "SELECT revocations.serial, since, reason, invalid_since, not_after
             FROM revocations JOIN certificates ON certificates.serial = revocations.serial ",
            $rest
        )
    };
}

macro_rules! credentials {
    ($rest:literal) => {
        concat!(
            "SELECT subjects.id, user, module, coalesce(credentials.name, subjects.name),
                 coalesce(credentials.email, subjects.email), credentials.id, issued, expires, proof_keys, hash, guesses, ended, order_id,
                 (SELECT orders.name FROM orders WHERE orders.id = order_id), next_guess, credentials.name IS NOT NULL
             FROM credentials JOIN subjects ON subjects.id = subject ",
            $rest
        )
    };
}

pub const ORDER_BY_NAME: &str = orders!("WHERE name = ?1");
pub const ORDER_BY_REPEAT: &str = orders!("WHERE id = (SELECT order_id FROM repeats WHERE repeats.name = ?1)");
pub const ORDER_BY_TOKEN: &str = orders!("WHERE token_hash = ?1");
pub const ORDER_BY_CERTIFICATE: &str = orders!("WHERE id = (SELECT order_id FROM certificates WHERE serial = ?1)");
/// In whatever state: whoever has the key of the certificate signed them.
pub const ORDERS_THAT_REPLACE: &str = orders!("WHERE id IN (SELECT order_id FROM requests WHERE replaces = ?1)");
pub const TOKEN_BY_NAME: &str = "SELECT id, token_hash FROM orders WHERE name = ?1";
pub const TOKEN_BY_REPEAT: &str =
    "SELECT id, token_hash FROM orders WHERE id = (SELECT order_id FROM repeats WHERE repeats.name = ?1)";
pub const SERIALS_OF_ORDER: &str = "SELECT serial FROM certificates WHERE order_id = ?1 ORDER BY position";
pub const ORDERS: &str = orders!("ORDER BY id DESC LIMIT ?1");
/// Not one with [`ORDERS`]: a statement for both could use no index.
pub const ORDERS_OF_STATE: &str = orders!("WHERE state = ?2 ORDER BY id DESC LIMIT ?1");
pub const REQUESTS_OF_ORDER: &str =
    "SELECT profile, request, key, same_key, replaces FROM requests WHERE order_id = ?1 ORDER BY position";
pub const CERTIFICATES_OF_ORDER: &str = certificates!("WHERE order_id = ?1 ORDER BY position");
/// Those of the order that issued this one.
pub const ISSUED_TOGETHER: &str = certificates!(
    "WHERE order_id = (SELECT own.order_id FROM certificates AS own WHERE own.serial = ?1) ORDER BY position"
);
/// The first pair that this one is of: no order names it, but both were added in one transaction, the one for logging in first.
pub const FIRST_PAIR: &str = certificates!(
    "WHERE rowid IN (SELECT other.rowid FROM certificates AS own CROSS JOIN certificates AS other
         ON other.rowid BETWEEN own.rowid - (own.profile = 'signature') AND own.rowid + (own.profile = 'authentication')
         WHERE own.serial = ?1 AND own.order_id IS NULL AND other.order_id IS NULL
             AND other.subject = own.subject AND other.not_after = own.not_after
             AND (other.profile != own.profile OR other.serial = own.serial))
     ORDER BY rowid"
);
pub const CERTIFICATE: &str = certificates!("WHERE serial = ?1");
pub const ENDING: &str = certificates!(
    "WHERE not_after >= ?1 AND not_after < ?2 AND NOT EXISTS (
         SELECT 1 FROM requests JOIN orders ON orders.id = requests.order_id
         WHERE requests.replaces = certificates.serial AND state != 'rejected')
     ORDER BY not_after, subject, profile LIMIT ?3"
);
pub const KEY_IS_TAKEN: &str = "SELECT
     EXISTS (SELECT 1 FROM certificates WHERE substr(key, 1, 8) = substr(?1, 1, 8) AND key = ?1)
     OR EXISTS (SELECT 1 FROM requests WHERE key = ?1 AND waiting IS NOT NULL)";
pub const ORDER_THAT_REPLACES: &str = "SELECT name FROM requests JOIN orders ON orders.id = order_id
     WHERE replaces = ?1 AND state != 'rejected' LIMIT 1";
/// The order that waits to replace a certificate, and which request of it does.
pub const ORDER_THAT_WAITS: &str = "SELECT name, profile FROM requests JOIN orders ON orders.id = order_id
     WHERE replaces = ?1 AND state = 'pending' LIMIT 1";
/// First orders that wait, and came before.
pub const UNDECIDED: &str = "SELECT name FROM orders WHERE state = 'pending' AND received < ?1
     AND NOT EXISTS (SELECT 1 FROM requests WHERE order_id = orders.id AND replaces IS NOT NULL)";
/// Which certificate that an order replaces is on hold.
pub const HELD_OF_ORDER: &str = "SELECT profile FROM requests JOIN revocations ON revocations.serial = replaces
     WHERE order_id = ?1 AND reason = 'certificateHold' ORDER BY position LIMIT 1";
/// Certificates that orders wait to replace and that are over: whether revoked for good, or only past their end.
pub const LAPSED: &str = "SELECT certificates.serial, EXISTS (SELECT 1 FROM revocations
         WHERE revocations.serial = certificates.serial AND reason != 'certificateHold') AS revoked
     FROM orders CROSS JOIN requests ON requests.order_id = orders.id CROSS JOIN certificates ON certificates.serial = replaces
     WHERE state = 'pending' AND (not_after < ?1 OR revoked)";
/// Whether an order, or a repeat of one, has this name.
pub const NAME_IS_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM orders WHERE name = ?1)
     OR EXISTS (SELECT 1 FROM repeats WHERE repeats.name = ?1)";
/// All that has to be known of a request before it is kept, in one statement, for what one costs is mostly its own: in place of
/// ?1, for the key ?2. Whether the key is taken, as [`KEY_IS_TAKEN`], or, where ?3 says that it is the old one, was revoked for the
/// reason ?4; whether what is replaced is revoked, and whether it has a password; and the [`ORDER_THAT_REPLACES`] it.
pub const IN_THE_WAY: &str = "SELECT
     CASE WHEN ?3 THEN EXISTS (SELECT 1 FROM certificates CROSS JOIN revocations
             ON revocations.serial = certificates.serial
             WHERE substr(key, 1, 8) = substr(?2, 1, 8) AND key = ?2 AND reason = ?4)
         ELSE EXISTS (SELECT 1 FROM certificates WHERE substr(key, 1, 8) = substr(?2, 1, 8) AND key = ?2)
             OR EXISTS (SELECT 1 FROM requests WHERE key = ?2 AND waiting IS NOT NULL) END,
     EXISTS (SELECT 1 FROM revocations WHERE serial = ?1),
     EXISTS (SELECT 1 FROM certificates JOIN revocation_passwords
         ON revocation_passwords.order_id = certificates.order_id WHERE serial = ?1),
     (SELECT name FROM requests JOIN orders ON orders.id = order_id
         WHERE replaces = ?1 AND state != 'rejected' LIMIT 1)";
pub const ADD_ORDER: &str = "INSERT INTO orders (name, holder, state, token_salt, token_hash, received, decided)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
pub const ADD_MESSAGE: &str = "INSERT INTO messages (order_id, message) VALUES (?1, ?2)";
pub const REPEAT: &str = "SELECT message, confirmed FROM repeats WHERE name = ?1";
pub const ADD_REPEAT: &str =
    "INSERT INTO repeats (name, order_id, message, received) SELECT ?1, id, ?2, ?3 FROM orders WHERE name = ?4";
pub const CONFIRM_REPEAT: &str = "UPDATE repeats SET confirmed = ?2 WHERE name = ?1 AND confirmed IS NULL";
pub const ADD_REQUEST: &str =
    "INSERT INTO requests (order_id, position, profile, request, key, same_key, replaces, waiting)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub const ADD_CERTIFICATE: &str =
    "INSERT INTO certificates (serial, profile, key, subject, not_after, der, order_id, position)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub const DECIDE: &str = "UPDATE orders SET state = ?2, reason = ?3, decided = ?4, lapse = ?5 WHERE name = ?1 AND state = 'pending' RETURNING id";
pub const WAITS_NO_MORE: &str = "UPDATE requests SET waiting = NULL WHERE order_id = ?1";
pub const CONFIRM: &str = "UPDATE orders SET state = 'confirmed', confirmed = ?2 WHERE name = ?1 AND state = 'issued'";
pub const REVOKE: &str = "INSERT INTO revocations (serial, since, reason, invalid_since) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (serial) DO UPDATE SET since = ?2, reason = ?3, invalid_since = ?4";
pub const RELEASE: &str = "DELETE FROM revocations WHERE serial = ?1";
pub const REVOCATION: &str = revocations!("WHERE revocations.serial = ?1");
pub const REVOCATIONS: &str = revocations!("WHERE revocations.serial > ?1 ORDER BY revocations.serial LIMIT ?2");
/// Other certificates on the same key that have not ended by then.
pub const LIVE_ON_SAME_KEY: &str = "SELECT other.serial FROM certificates AS own CROSS JOIN certificates AS other
     ON substr(other.key, 1, 8) = substr(own.key, 1, 8) AND other.key = own.key
     WHERE own.serial = ?1 AND other.serial != ?1 AND other.not_after >= ?2";
/// All certificates on its key, and itself.
pub const ON_SAME_KEY: &str = "SELECT other.serial FROM certificates AS own CROSS JOIN certificates AS other
     ON substr(other.key, 1, 8) = substr(own.key, 1, 8) AND other.key = own.key
     WHERE own.serial = ?1";
pub const IS_REVOKED: &str = "SELECT EXISTS (SELECT 1 FROM revocations WHERE serial = ?1)";
pub const IS_ISSUED: &str = "SELECT EXISTS (SELECT 1 FROM certificates WHERE serial = ?1)";
pub const BEGIN_CRL: &str = "INSERT INTO crls (this_update) VALUES (?1)";
pub const STATUS_CHANGES: &str = "SELECT count FROM status_changes WHERE id = 1";
pub const OUTDATE_CRLS: &str = "UPDATE status_changes SET count = count + 1 WHERE id = 1";
pub const NEWEST_CRL: &str = "SELECT coalesce(max(number), 0) FROM crls";
/// With a number that was not given: the next one is greater.
pub const PASS_CRLS: &str = "INSERT INTO crls (number, this_update) VALUES (?1, ?2)";
pub const AUDIT_HEAD: &str = "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1";
pub const AUDIT: &str =
    "SELECT number, at, event, about, detail, actor, hash FROM audit WHERE number >= ?1 ORDER BY number LIMIT ?2";
pub const ADD_AUDIT: &str =
    "INSERT INTO audit (number, at, event, about, detail, actor, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
/// Looks into the list of tables, which is short.
pub const AUDIT_GUARDS: &str = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND lower(tbl_name) = 'audit'";
pub const AUDIT_TABLE: &str = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'audit'";
pub const PUT_SUBJECT: &str = "INSERT INTO subjects (user, module, name, email, entered, applicant)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)
     ON CONFLICT (user, module) DO UPDATE SET name = ?3, email = ?4, entered = ?5, applicant = ?6
     RETURNING id, user, module, name, email";
/// Nothing else is known of him than before, but who it is, and that he is entered now.
pub const SET_APPLICANT: &str = "UPDATE subjects SET applicant = ?2, entered = ?3 WHERE id = ?1";
/// What he has already of the same data.
pub const SET_APPLICANT_OF_CREDENTIALS: &str = "UPDATE credentials SET applicant = ?2
     WHERE subject = ?1 AND applicant IS NULL AND name = ?3 AND email = ?4";
pub const SUBJECT: &str = "SELECT id, user, module, name, email FROM subjects WHERE user = ?1 AND module = ?2";
/// What is known of him an operator compared with an applicant's papers.
pub const SUBJECT_IS_CHECKED: &str = "SELECT applicant IS NOT NULL FROM subjects WHERE id = ?1";
/// Something is issued to him, or is about to be.
pub const SUBJECT_IS_BOUND: &str = "SELECT
     EXISTS (SELECT 1 FROM credentials WHERE subject = ?1 AND ended IS NULL AND order_id IS NULL)
     OR EXISTS (SELECT 1 FROM credentials JOIN orders ON orders.id = order_id WHERE subject = ?1 AND state = 'pending')
     OR EXISTS (SELECT 1 FROM credentials JOIN certificates ON certificates.order_id = credentials.order_id
         WHERE credentials.subject = ?1 AND not_after >= ?2
             AND NOT EXISTS (SELECT 1 FROM revocations WHERE revocations.serial = certificates.serial))";
/// Two are as good as many.
pub const SUBJECTS_OF_USER: &str =
    "SELECT id, user, module, name, email FROM subjects WHERE user = ?1 ORDER BY module LIMIT 100";
pub const APPLICANT: &str = "SELECT subjects.id, user, module, coalesce(credentials.name, subjects.name),
         coalesce(credentials.email, subjects.email)
     FROM orders JOIN credentials ON order_id = orders.id JOIN subjects ON subjects.id = subject WHERE orders.name = ?1";
pub const ADD_CREDENTIAL: &str =
    "INSERT INTO credentials (id, subject, issued, expires, proof_keys, hash, name, email, number, applicant)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, (SELECT coalesce(max(number), 0) + 1 FROM credentials),
         (SELECT applicant FROM subjects WHERE id = ?2 AND name = ?7 AND email = ?8))";
/// Every one that could still be used: whether it was since a copy was made nobody knows.
pub const END_ALL_CREDENTIALS: &str =
    "UPDATE credentials SET ended = ?1, proof_keys = NULL, hash = NULL, name = NULL, email = NULL
     WHERE ended IS NULL AND order_id IS NULL";
pub const END_CREDENTIALS: &str =
    "UPDATE credentials SET ended = ?2, proof_keys = NULL, hash = NULL, name = NULL, email = NULL
     WHERE subject = ?1 AND ended IS NULL AND order_id IS NULL RETURNING id";
pub const CREDENTIALS: &str = credentials!("ORDER BY credentials.number DESC LIMIT ?1");
pub const NEWEST_CREDENTIAL: &str = credentials!("WHERE subject = ?1 ORDER BY credentials.number DESC LIMIT 1");
/// More than these no client asks for again.
pub const CREDENTIALS_OF_SUBJECT: &str = credentials!("WHERE subject = ?1 ORDER BY credentials.number DESC LIMIT 100");
pub const SET_GUESSES: &str = "UPDATE credentials SET guesses = ?2, next_guess = ?3 WHERE id = ?1";
/// The order that has this key in the name of the very person that a password is for, and gives certificates or still may: it waits, or none
/// of its certificates is revoked, on hold or past its end.
pub const FIRST_ORDER_OF_KEY: &str = "SELECT orders.name FROM credentials AS shown
     CROSS JOIN credentials AS used ON used.subject = shown.subject AND used.name = shown.name AND used.email = shown.email
     CROSS JOIN orders ON orders.id = used.order_id
     WHERE shown.id = ?1 AND state != 'rejected'
         AND EXISTS (SELECT 1 FROM requests WHERE requests.order_id = orders.id AND requests.key = ?2)
         AND NOT EXISTS (SELECT 1 FROM certificates WHERE certificates.order_id = orders.id AND (not_after < ?3
             OR EXISTS (SELECT 1 FROM revocations WHERE revocations.serial = certificates.serial)))
     LIMIT 1";
/// The first order that stands (it waits, or has certificates) for the key ?1 and that came by this very request, and whose it is.
pub const FIRST_ORDER_OF_REQUEST: &str = "SELECT orders.name, credentials.subject
     FROM orders CROSS JOIN credentials ON credentials.order_id = orders.id
     WHERE orders.id IN (SELECT order_id FROM requests WHERE key = ?1 AND waiting IS NOT NULL
             UNION ALL SELECT order_id FROM certificates WHERE substr(key, 1, 8) = substr(?1, 1, 8) AND key = ?1)
         AND (EXISTS (SELECT 1 FROM messages WHERE messages.order_id = orders.id AND messages.message = ?2)
             OR EXISTS (SELECT 1 FROM repeats WHERE repeats.order_id = orders.id AND repeats.message = ?2))
     LIMIT 1";
/// Of the password that an order was made by, when another one takes its place.
pub const LEAVE_ORDER: &str =
    "UPDATE credentials SET order_id = NULL, ended = ?2, proof_keys = NULL, hash = NULL, name = NULL, email = NULL
     WHERE order_id = (SELECT orders.id FROM orders WHERE name = ?1) RETURNING id";
pub const CREDENTIAL_IS_UNUSED: &str =
    "SELECT EXISTS (SELECT 1 FROM credentials WHERE id = ?1 AND order_id IS NULL AND ended IS NULL)";
pub const USE_CREDENTIAL: &str =
    "UPDATE credentials SET order_id = (SELECT orders.id FROM orders WHERE name = ?2), guesses = 0, next_guess = 0
     WHERE id = ?1 AND order_id IS NULL";
pub const PUT_REVOCATION_PASSWORD: &str = "INSERT INTO revocation_passwords (order_id, hash)
     SELECT id, ?2 FROM orders WHERE name = ?1
     ON CONFLICT (order_id) DO UPDATE SET hash = ?2, guesses = 0, next_guess = 0, login_guesses = 0,
         next_login_guess = 0";
/// With its guesses: it is the same one.
pub const CARRY_REVOCATION_PASSWORD: &str = "INSERT INTO revocation_passwords
         (order_id, hash, guesses, next_guess, login_guesses, next_login_guess)
     SELECT (SELECT id FROM orders WHERE name = ?1), hash, guesses, next_guess, login_guesses, next_login_guess
     FROM certificates JOIN revocation_passwords ON revocation_passwords.order_id = certificates.order_id
     WHERE serial = ?2";
pub const REVOCATION_PASSWORD: &str = "SELECT hash, guesses, next_guess, login_guesses, next_login_guess
     FROM certificates JOIN revocation_passwords ON revocation_passwords.order_id = certificates.order_id
     WHERE serial = ?1";
pub const ORDER_OF_CERTIFICATE: &str =
    "SELECT orders.id, orders.name FROM certificates JOIN orders ON orders.id = order_id WHERE serial = ?1";
pub const REVOCATION_PASSWORD_OF_ORDER: &str = "SELECT orders.id, hash
     FROM orders LEFT JOIN revocation_passwords ON revocation_passwords.order_id = orders.id WHERE name = ?1";
/// Wherever it was carried over to: the hash has a salt, and is of no other one.
pub const SET_REVOCATION_GUESSES: &str =
    "UPDATE revocation_passwords SET guesses = ?2, next_guess = ?3 WHERE hash = ?1";
pub const SET_LOGIN_REVOCATION_GUESSES: &str =
    "UPDATE revocation_passwords SET login_guesses = ?2, next_login_guess = ?3 WHERE hash = ?1";

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus, config::DbConfig};

    use super::{
        super::{applicants, file, links, mails, notices, retention},
        *,
    };

    const ALL: &[&str] = &[
        ORDER_BY_NAME,
        ORDER_BY_REPEAT,
        NAME_IS_TAKEN,
        IN_THE_WAY,
        REPEAT,
        ADD_REPEAT,
        CONFIRM_REPEAT,
        ORDER_BY_TOKEN,
        ORDER_BY_CERTIFICATE,
        ORDERS_THAT_REPLACE,
        TOKEN_BY_NAME,
        TOKEN_BY_REPEAT,
        SERIALS_OF_ORDER,
        ORDERS,
        ORDERS_OF_STATE,
        REQUESTS_OF_ORDER,
        CERTIFICATES_OF_ORDER,
        ISSUED_TOGETHER,
        FIRST_PAIR,
        CERTIFICATE,
        ENDING,
        KEY_IS_TAKEN,
        ORDER_THAT_REPLACES,
        ORDER_THAT_WAITS,
        UNDECIDED,
        HELD_OF_ORDER,
        LAPSED,
        ADD_ORDER,
        ADD_MESSAGE,
        ADD_REQUEST,
        ADD_CERTIFICATE,
        DECIDE,
        WAITS_NO_MORE,
        CONFIRM,
        REVOKE,
        RELEASE,
        REVOCATION,
        REVOCATIONS,
        LIVE_ON_SAME_KEY,
        ON_SAME_KEY,
        IS_REVOKED,
        IS_ISSUED,
        BEGIN_CRL,
        NEWEST_CRL,
        PASS_CRLS,
        AUDIT_HEAD,
        AUDIT,
        ADD_AUDIT,
        STATUS_CHANGES,
        OUTDATE_CRLS,
        PUT_SUBJECT,
        SET_APPLICANT,
        SET_APPLICANT_OF_CREDENTIALS,
        SUBJECT,
        SUBJECT_IS_CHECKED,
        SUBJECT_IS_BOUND,
        SUBJECTS_OF_USER,
        APPLICANT,
        ADD_CREDENTIAL,
        END_CREDENTIALS,
        CREDENTIALS,
        NEWEST_CREDENTIAL,
        CREDENTIALS_OF_SUBJECT,
        SET_GUESSES,
        FIRST_ORDER_OF_KEY,
        FIRST_ORDER_OF_REQUEST,
        LEAVE_ORDER,
        CREDENTIAL_IS_UNUSED,
        USE_CREDENTIAL,
        PUT_REVOCATION_PASSWORD,
        CARRY_REVOCATION_PASSWORD,
        REVOCATION_PASSWORD,
        ORDER_OF_CERTIFICATE,
        REVOCATION_PASSWORD_OF_ORDER,
        SET_REVOCATION_GUESSES,
        SET_LOGIN_REVOCATION_GUESSES,
    ];

    fn plan(sql: &str) -> Vec<String> {
        explained("EXPLAIN QUERY PLAN", sql, "detail")
    }

    /// What SQLite says of a statement in a column.
    fn explained(how: &str, sql: &str, column: &str) -> Vec<String> {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("../schema.sql")).unwrap();
        file::SCHEMA_CHANGES.iter().for_each(|(_, changes)| connection.execute_batch(changes).unwrap());
        connection.pragma_update(None, "foreign_keys", true).unwrap();
        let mut statement = connection.prepare(&format!("{how} {sql}")).unwrap();
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut rows = statement.raw_query();
        let mut plan = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            plan.push(row.get(column).unwrap());
        }
        plan
    }

    #[test]
    fn no_statement_reads_a_whole_table_or_sorts_one() {
        // A scan by row number, that stops at its limit, is in order; and so is sorting what has one end.
        let harmless = |step: &str, sql| {
            step == "SCAN CONSTANT ROW"
                || sql == ORDERS && step == "SCAN orders"
                || sql == AUDIT_HEAD && step == "SCAN audit"
                || sql == mails::LIST && step == "SCAN mails"
                || step == "SCAN mails USING INDEX mails_given_up"
                || sql == CREDENTIALS && step == "SCAN credentials USING INDEX credentials_number"
                || sql == applicants::LIST && step == "SCAN applicants USING INDEX applicants_registered"
                || sql == ENDING && step == "USE TEMP B-TREE FOR LAST 2 TERMS OF ORDER BY"
        };
        let all = ALL
            .iter()
            .chain(&mails::STATEMENTS)
            .chain(&links::STATEMENTS)
            .chain(&notices::STATEMENTS)
            .chain(&retention::STATEMENTS)
            .chain(&applicants::STATEMENTS);
        for &sql in all {
            for step in plan(sql) {
                let bad = step.starts_with("SCAN") || step.contains("TEMP B-TREE");
                assert!(!bad || harmless(&step, sql), "{step}\n{sql}");
            }
        }
    }

    /// How often the statements that read are planned anew when they are given other values.
    fn planned_anew(stable: bool) -> i32 {
        let directory = tempfile::tempdir().unwrap();
        let connection = file::open(&directory.path().join("ca.db")).unwrap();
        if !stable {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, false).unwrap();
        }
        let count = |sql: &str| {
            let mut statement = connection.prepare(sql).unwrap();
            for value in [1, 2, 3] {
                for parameter in 1..=statement.parameter_count() {
                    statement.raw_bind_parameter(parameter, value).unwrap();
                }
                assert!(statement.raw_query().next().unwrap().is_none_or(|row| row.get(0) == Ok(0)), "{sql}");
            }
            statement.get_status(StatementStatus::RePrepare)
        };
        ALL.iter().copied().filter(|sql| sql.starts_with("SELECT")).map(count).sum()
    }

    #[test]
    fn a_statement_is_planned_once() {
        assert_eq!(planned_anew(true), 0);
        assert!(planned_anew(false) > 0, "SQLite needs no telling any more");
    }

    #[test]
    fn an_order_is_written_without_tables_that_are_made_for_it() {
        let makes_a_table = |sql| explained("EXPLAIN", sql, "opcode").contains(&"OpenEphemeral".to_owned());
        for sql in [ADD_ORDER, ADD_MESSAGE, ADD_REQUEST, ADD_CERTIFICATE, CONFIRM, ADD_AUDIT, IN_THE_WAY, NAME_IS_TAKEN]
        {
            assert!(!makes_a_table(sql), "{sql}");
        }
        assert!(makes_a_table("SELECT 1 FROM orders WHERE state IN ('pending', 'issued', 'confirmed')"));
    }

    #[test]
    fn a_statement_without_an_index_would_be_seen() {
        let both = plan("SELECT 1 FROM orders WHERE ?1 IS NULL OR state = ?1 ORDER BY holder");
        assert!(both.iter().any(|step| step.starts_with("SCAN orders")), "{both:?}");
        assert!(both.iter().any(|step| step.contains("TEMP B-TREE")), "{both:?}");
    }
}
