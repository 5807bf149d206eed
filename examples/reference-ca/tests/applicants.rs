//! Applicants over HTTPS as the description says, over the pages behind their mails, and by commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/ordered.rs"]
mod ordered;
#[path = "common/schema.rs"]
mod schema;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::SystemTime,
};

use base64ct::{Base64, Encoding as _};
use common::{
    World,
    first::{JANA, password},
};
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, Policy};
use obnova_enroll::{
    Secret,
    cmc::{CertificateId, SealedPassphrase, SealedPassword},
    est::{HttpRequest, HttpResponse, Method},
};
use obnova_pkcs10::CertificationRequest;
use obnova_reference_ca::{house::Holder, mail::Postman};
use serde_json::{Value, json};
use x509_cert::{Certificate, der::Decode as _};

const NAME: &str = "Eva Dvořáková";
const EMAIL: &str = "eva@example.cz";
const PIN: &str = "93c1PL_t";

fn open_world() -> World {
    World::with(&Policy::TEMPLATE.replace("open = false", "open = true"), |config| config)
}

fn description() -> Value {
    serde_json::from_str(include_str!("../src/server/openapi.json")).unwrap()
}

fn eva() -> Value {
    json!({ "name": NAME, "email": EMAIL, "country": "CZ" })
}

/// Serial numbers of certificates that the CA issued to Eva.
fn certificates(world: &World) -> Vec<String> {
    let keys = [(); 2].map(|()| CaKey::generate(KeyAlgorithm::P256).unwrap());
    let holder = Holder { name: format!("CN={NAME},C=CZ"), email: EMAIL.into() };
    let pair =
        world.house.first_pair(&holder, keys[0].public_key(), keys[1].public_key(), 300, SystemTime::now()).unwrap();
    [pair.authentication, pair.signature]
        .iter()
        .map(|one| one.serial().iter().map(|byte| format!("{byte:02x}")).collect())
        .collect()
}

fn operator(world: &World) -> String {
    fs::read_to_string(world.home().join("operator.token")).unwrap().trim().to_owned()
}

fn ask(world: &World, method: Method, path: &str, token: Option<&str>, kind: &str, body: Vec<u8>) -> HttpResponse {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", kind)];
    headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
    world.send(&HttpRequest { method, path: path.into(), headers: headers.into_iter().collect(), body }, None)
}

/// The links of one kind in the mails that went out, the oldest first: their paths.
fn links(world: &World, kind: &str) -> Vec<String> {
    Postman::new(world.house.clone()).unwrap().deliver(&SystemTime::now, &|_| {}).unwrap();
    let mut files: Vec<_> = fs::read_dir(world.house.mail_folder()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    // Lines that are too long are broken (RFC 2045 §6.7).
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap().replace("=\r\n", ""));
    texts
        .filter_map(|text| {
            let at = text.find(&format!("/{kind}/"))?;
            Some(text[at..].split_whitespace().next().unwrap().to_owned())
        })
        .collect()
}

fn text(response: &HttpResponse) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// Goes by the description: every answer is one that it has, in the form that it says.
struct Described<'a> {
    world: &'a World,
    document: Value,
    seen: RefCell<BTreeSet<(String, String)>>,
}

impl Described<'_> {
    /// The path and the method of an operation, and what is said of it.
    fn operation(&self, id: &str) -> (String, Method, &Value) {
        for (path, item) in self.document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if operation["operationId"] == id {
                    let method = if method == "get" { Method::Get } else { Method::Other(method.to_uppercase()) };
                    return (path.clone(), method, operation);
                }
            }
        }
        panic!("{id} is not described")
    }

    fn answer(&self, id: &str, applicant: &str, token: Option<&str>, kind: &str, body: Vec<u8>) -> (u16, Value) {
        let (path, method, operation) = self.operation(id);
        let (applicant, query) = applicant.split_once('?').unwrap_or((applicant, ""));
        let path = path.replace("{id}", applicant) + if query.is_empty() { "" } else { "?" } + query;
        let response = ask(self.world, method, &path, token, kind, body);
        let status = response.status.to_string();
        let said = &operation["responses"][&status];
        assert!(said.is_object(), "{id} answers {status}: {}", text(&response));
        assert_eq!(response.headers.get("content-type"), Some("application/json"));
        assert_eq!(response.headers.get("cache-control"), Some("no-store"));
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        schema::validate(&self.document, &said["content"]["application/json"]["schema"], &answer).unwrap();
        self.seen.borrow_mut().insert((id.into(), status));
        (response.status, answer)
    }

    fn json(&self, id: &str, applicant: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let (_, _, operation) = self.operation(id);
        let form = &operation["requestBody"]["content"]["application/json"]["schema"];
        let fits = form.is_null() || schema::validate(&self.document, form, body).is_ok();
        let (status, answer) = self.answer(id, applicant, token, "application/json", body.to_string().into_bytes());
        assert!(fits || status != 200 && status != 201, "{id} took what is not described: {body}");
        (status, answer)
    }

    fn refused(&self, id: &str, applicant: &str, token: Option<&str>, body: &Value, status: u16, error: &str) {
        let (found, answer) = self.json(id, applicant, token, body);
        assert_eq!((found, answer["error"].as_str()), (status, Some(error)), "{id} {answer}");
    }

    /// Each field of a body that is taken, by the description and by the server: without one that has to be there, with one of another
    /// type, and with one more it is refused.
    fn fields(&self, id: &str, applicant: &str, token: Option<&str>, body: &Value) {
        let (_, _, operation) = self.operation(id);
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = self.document.pointer(&schema["$ref"].as_str().unwrap()[1..]).unwrap();
        schema::validate(&self.document, schema, body).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{id}");
        let required = schema["required"].as_array().unwrap();
        let mut wrong = vec![with(body, "surprise", Some(json!("x")))];
        for (name, of) in schema["properties"].as_object().unwrap() {
            let without = with(body, name, None);
            if required.iter().any(|one| one == name) {
                wrong.extend([without, with(body, name, Some(Value::Null))]);
            } else {
                assert!(of["type"].as_array().is_some_and(|types| types.contains(&json!("null"))), "{id}: {name}");
            }
            wrong.push(with(body, name, Some(json!({}))));
        }
        for wrong in wrong {
            assert!(schema::validate(&self.document, schema, &wrong).is_err(), "{id} is described as taking {wrong}");
            self.refused(id, applicant, token, &wrong, 400, "body");
        }
    }

    /// What every operation with a body refuses.
    fn bodies(&self, id: &str, applicant: &str, token: Option<&str>) {
        self.refused(id, applicant, token, &json!({ "surprise": 1 }), 400, "body");
        self.refused(id, applicant, token, &json!([]), 400, "body");
        let (status, _) = self.answer(id, applicant, token, "text/plain", b"{}".to_vec());
        assert_eq!(status, 415);
        let (status, _) =
            self.answer(id, applicant, token, "application/json; charset=utf-8", vec![b' '; 16 * 1024 + 1]);
        assert_eq!(status, 413);
    }
}

/// Nothing is described of these paths that was not seen, but for a CA or a client that cannot speak.
fn assert_all_seen(document: &Value, paths: impl Fn(&str) -> bool, seen: &BTreeSet<(String, String)>) {
    for (_, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| paths(path)) {
        for operation in item.as_object().unwrap().values().filter(|operation| operation.is_object()) {
            let id = operation["operationId"].as_str().unwrap();
            let mut statuses = operation["responses"].as_object().unwrap().keys();
            let unseen = statuses.find(|status| {
                !["408", "500", "503"].contains(&status.as_str()) && !seen.contains(&(id.to_owned(), (*status).clone()))
            });
            assert_eq!(unseen, None, "{id} never answered that");
        }
    }
}

/// What holders ask: the password that ends a certificate, and its end.
#[test]
fn what_holders_are_answered_is_described_too() {
    let (first, second) = ("the first one of hers", "and another one of hers");
    let policy =
        Policy::TEMPLATE.replace("free_guesses = 3", "free_guesses = 8").replace("\"manual\"", "\"automatic\"");
    let mut world = World::with(&policy, |config| config);
    world.old = ordered::with_password(&world, first);
    let described = Described { world: &world, document: description(), seen: RefCell::default() };
    let login = Some((&world.old.keys[0], &world.old.certificates[0]));
    let asked = |id: &str, kind: &str, body: Vec<u8>, client| {
        let (path, method, operation) = described.operation(id);
        let headers = [("Content-Type", kind)].into_iter().collect();
        let response = world.send(&HttpRequest { method, path, headers, body }, client);
        let status = response.status.to_string();
        let content = &operation["responses"][&status]["content"];
        assert!(content.is_object(), "{id} answers {status}: {}", text(&response));
        described.seen.borrow_mut().insert((id.into(), status));
        let form = response.headers.get("content-type").unwrap().split(';').next().unwrap();
        assert!(content[form].is_object(), "{id}: {form}");
        if form != "application/json" {
            return (response.status, Value::String(text(&response)));
        }
        let answer: Value = serde_json::from_slice(&response.body).unwrap();
        schema::validate(&described.document, &content[form]["schema"], &answer).unwrap();
        (response.status, answer)
    };
    let json = |id: &str, body: &Value, client| {
        let form = &described.operation(id).2["requestBody"]["content"]["application/json"]["schema"];
        let fits = schema::validate(&described.document, form, body).is_ok();
        let (status, answer) = asked(id, "application/json", body.to_string().into_bytes(), client);
        assert!(fits || status == 400, "{id} took what is not described: {body}");
        (status, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |status: u16, error: &str| (status, error.to_owned());

    // The password, sealed.
    let encryption = Certificate::from_der(&world.get("/encryption.cer", None, &[]).body).unwrap();
    let secret = |text: &str| Secret::from_bytes(text.as_bytes()).unwrap();
    let own = CertificateId::from(&world.old.certificates[0].certificate);
    let new = |text: &str| Base64::encode_string(SealedPassword::seal(&secret(text), &encryption).unwrap().der());
    let stands =
        |text: &str| Base64::encode_string(SealedPassphrase::seal(&secret(text), &own, &encryption).unwrap().der());
    let set = "setRevocationPassword";
    let body = json!({ "password": new(first), "old": null });
    assert_eq!(json(set, &body, None), refused(401, "nobody"));
    assert_eq!(asked(set, "text/plain", body.to_string().into_bytes(), login).0, 415);
    assert_eq!(asked(set, "application/json", vec![b' '; 16 * 1024 + 1], login).0, 413);
    for wrong in
        [with(&body, "password", None), with(&body, "old", Some(json!(1))), with(&body, "password", Some(json!(1)))]
    {
        assert_eq!(json(set, &wrong, login), refused(400, "body"));
    }
    assert_eq!(json(set, &json!({ "password": new("short") }), login), refused(422, "short-password"));
    assert_eq!(json(set, &body, login).0, 200);
    let other = json!({ "password": new(second) });
    assert_eq!(json(set, &other, login), refused(409, "revocation-password-stands"));
    let guess = with(&other, "old", Some(json!(stands("a guess of mine"))));
    assert_eq!(json(set, &guess, login), refused(403, "wrong-revocation-password"));
    assert_eq!(json(set, &with(&other, "old", Some(json!(stands(first)))), login).0, 200);

    // The end.
    let (status, page) = asked("revocationForm", "text/plain", Vec::new(), login);
    let serials = world
        .old
        .certificates
        .each_ref()
        .map(|one| one.serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert!(status == 200 && page.as_str().unwrap().contains(&serials[0]));
    let end = |serial: &str, password: &str| json!({ "serial": serial, "reason": "superseded", "password": password });
    let right = end(&serials[1], second);
    for field in ["serial", "reason", "password"] {
        assert_eq!(json("revoke", &with(&right, field, None), login), refused(400, "body"));
        assert_eq!(json("revoke", &with(&right, field, Some(json!(7))), login), refused(400, "body"));
    }
    assert_eq!(asked("revoke", "application/x-www-form-urlencoded", Vec::new(), login).0, 400);
    assert_eq!(asked("revoke", "application/json", vec![b' '; 4097], login).0, 413);
    assert_eq!(json("revoke", &right, None), refused(403, "password-alone"));
    assert_eq!(json("revoke", &end(&serials[1], first), login), refused(403, "wrong-revocation-password"));
    assert_eq!(json("revoke", &right, login).0, 200);
    assert_eq!(json("revoke", &right, login), refused(409, "revoked-already"));
    let waits = (0..12).any(|_| json("revoke", &end(&serials[0], "a guess of mine"), login).0 == 429);
    assert!(waits && json(set, &guess, login) == refused(429, "password-slowed"));
    assert_all_seen(&described.document, |path| !path.starts_with("/api/"), &described.seen.borrow());
}

/// The same body with another value in a field, or without it.
fn with(body: &Value, field: &str, value: Option<Value>) -> Value {
    let mut fields = body.as_object().unwrap().clone();
    match value {
        Some(value) => drop(fields.insert(field.into(), value)),
        None => drop(fields.remove(field)),
    }
    Value::Object(fields)
}

/// Nothing is answered that is not described, field by field: an answer has every field of its form and no other. And there is no way
/// into the server that is not described.
#[test]
fn every_field_of_an_answer_and_every_route_is_described() {
    let document = description();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut forms = 0;
    // Of what holders send the server reads what it knows.
    let read = ["Revocation", "NewPassword"];
    for (name, schema) in schemas.iter().filter(|(name, _)| !read.contains(&name.as_str())) {
        if schema["type"] != "object" {
            continue;
        }
        let fields: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        let required: BTreeSet<_> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(schema["additionalProperties"], false, "{name}");
        // What a client may leave out is in one form, of what it sends.
        let optional: Vec<_> = fields.difference(&required).copied().collect();
        assert_eq!(optional, if name == "Data" { vec!["number"] } else { vec![] }, "{name}");
        forms += 1;
    }
    assert!(forms > 8, "{forms}");
    let sources = [
        include_str!("../src/server/applicants.rs"),
        include_str!("../src/server/revoke.rs"),
        include_str!("../src/server/revocation_password.rs"),
    ];
    let routes: usize = sources.iter().map(|source| source.matches(".route(").count()).sum();
    assert_eq!(routes, document["paths"].as_object().unwrap().len());
}

#[test]
fn the_description_is_what_the_server_does() {
    let world = open_world();
    let described = Described { world: &world, document: description(), seen: RefCell::default() };
    let secret_token = operator(&world);
    let token = Some(secret_token.as_str());
    let (status, served) = described.json("description", "", None, &Value::Null);
    assert_eq!((status, &served), (200, &described.document));

    // Registration.
    described.bodies("register", "", None);
    described.fields("register", "", None, &with(&eva(), "number", Some(json!("IDCCZ-1"))));
    for (field, value, error) in [
        ("name", json!("Eva\r\nBcc: x"), "name"),
        ("email", json!("eva@example.cz\r\nBcc: all@example.cz"), "email"),
        ("country", json!("cz"), "country"),
        ("number", json!("1,2"), "number"),
        ("name", json!(7), "body"),
    ] {
        let mut data = eva();
        data[field] = value;
        described.refused("register", "", None, &data, 400, error);
    }
    let (status, registered) = described.json("register", "", None, &eva());
    assert_eq!(status, 201);
    let (id, secret) = (registered["id"].as_str().unwrap(), registered["secret"].as_str());
    for _ in 0..2 {
        assert_eq!(described.json("register", "", None, &eva()).0, 201);
    }
    described.refused("register", "", None, &eva(), 429, "too-many");

    // Their own part; the name of a scheme is the same in capital letters (RFC 9110 §11.1).
    for (scheme, status) in
        [("Bearer ", 200), ("bearer ", 200), ("BEARER  ", 200), ("Bearer", 401), ("Basic ", 401), ("Bearers ", 401)]
    {
        let shown = format!("{scheme}{secret_token}");
        let headers = [("Authorization", shown.as_str())].into_iter().collect();
        let path = "/api/operator/applicants".into();
        let answer = world.send(&HttpRequest { method: Method::Get, path, headers, body: Vec::new() }, None);
        assert_eq!(answer.status, status, "{scheme}");
    }
    let nobody = "0".repeat(32);
    assert_eq!(described.json("own", id, secret, &Value::Null).1["stage"], "registered");
    described.refused("own", id, None, &Value::Null, 401, "unauthorized");
    for (id, secret) in [(nobody.as_str(), secret), (id, token), ("x", secret), ("%ff", secret)] {
        described.refused("own", id, secret, &Value::Null, 404, "unknown-applicant");
        described.refused("correct", id, secret, &eva(), 404, "unknown-applicant");
    }
    described.bodies("correct", id, secret);
    described.fields("correct", id, secret, &with(&eva(), "number", Some(json!("IDCCZ-1"))));
    described.refused("correct", id, None, &eva(), 401, "unauthorized");
    let other = json!({ "name": "Eva", "email": "e@example.cz", "country": "CZ", "number": "IDCCZ-1" });
    assert_eq!(described.json("correct", id, secret, &other).1["number"], "IDCCZ-1");
    described.refused("correct", id, secret, &eva(), 429, "too-many");
    // The first link was for this address, and is good for it.
    let (_, more) = described.json("register", "", None, &other);
    let (id, secret) = (more["id"].as_str().unwrap().to_owned(), more["secret"].as_str().unwrap().to_owned());
    let (id, secret) = (id.as_str(), Some(secret.as_str()));

    // The operator's part.
    for wrong in [None, secret, Some(""), Some(&secret_token[1..]), Some("é")] {
        described.refused("list", "", wrong, &Value::Null, 401, "unauthorized");
        described.refused("show", id, wrong, &Value::Null, 401, "unauthorized");
        for step in ["correctByOperator", "identity", "contract", "payment", "enter", "card", "handOver"] {
            described.refused(step, id, wrong, &json!({ "operator": "op" }), 401, "unauthorized");
        }
    }
    let (_, all) = described.json("list", "", token, &Value::Null);
    assert_eq!(all.as_array().unwrap().len(), 4);
    assert_eq!(described.json("list", "?stage=confirmed&limit=5", token, &Value::Null).1, json!([]));
    for query in ["?stage=lost", "?limit=0", "?limit=1001", "?who=eva", "?stage"] {
        described.refused("list", query, token, &Value::Null, 400, "query");
    }
    assert_eq!(described.json("show", id, token, &Value::Null).1["transport_pin"], "none");
    described.refused("show", &nobody, token, &Value::Null, 404, "unknown-applicant");

    let fingerprint = |id: &str| described.json("show", id, token, &Value::Null).1["fingerprint"].clone();
    let seen = |id: &str| json!({ "operator": "Jan", "fingerprint": fingerprint(id) });
    let by = json!({ "operator": "Jan" });
    let identity = seen(id);
    let with = json!({ "operator": "Jan", "reference": "2026/7" });
    let serials = certificates(&world);
    let card = json!({ "operator": "Jan", "card": "0042", "certificates": serials, "transport_pin": PIN });
    let entry = json!({ "operator": "Jan", "user": "eva", "module": "main" });
    let correction = json!({ "operator": "Jan", "fingerprint": fingerprint(id), "data": other });
    let from_contract =
        [("contract", &with), ("payment", &with), ("enter", &entry), ("card", &card), ("handOver", &by)];
    let before = [("correctByOperator", &correction), ("identity", &identity)];
    for (step, body) in before.into_iter().chain(from_contract) {
        described.bodies(step, id, token);
        described.fields(step, id, token, body);
        described.refused(step, &nobody, token, body, 404, "unknown-applicant");
        if step != "correctByOperator" {
            described.refused(step, id, token, body, 409, "too-early");
        }
        let mut nameless = body.clone();
        nameless["operator"] = json!("\n");
        described.refused(step, id, token, &nameless, 400, "note");
    }
    let link = links(&world, "confirm").pop().unwrap();
    assert_eq!(ask(&world, Method::Post, &link, None, "application/x-www-form-urlencoded", Vec::new()).status, 200);
    // The certificates say who Eva is: the name and the address of before fit again.
    assert_eq!(described.json("own", id, secret, &Value::Null).1["stage"], "confirmed");
    let (_, eva_again) = described.json("list", "?stage=registered", token, &Value::Null);
    let id = eva_again.as_array().unwrap().iter().find(|one| one["name"] == NAME).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for link in links(&world, "confirm") {
        // One of them is hers.
        ask(&world, Method::Post, &link, None, "application/x-www-form-urlencoded", Vec::new());
    }
    // What the operator saw was another's.
    described.refused("identity", &id, token, &identity, 409, "data-changed");
    let identity = seen(&id);
    for (index, (step, body)) in [("identity", &identity)].into_iter().chain(from_contract).enumerate() {
        if step == "enter" {
            password(&world.home(), &JANA);
            for (field, value, status, error) in [
                ("user", "", 400, "user"),
                ("module", "a b", 400, "module"),
                ("module", "", 400, "module"),
                ("user", "jana", 409, "user-taken"),
            ] {
                let mut wrong = body.clone();
                wrong[field] = json!(value);
                described.refused(step, &id, token, &wrong, status, error);
            }
        }
        if step == "card" {
            for (field, value, error) in [
                ("certificates", json!(["00ff"]), "unknown-certificate"),
                ("certificates", json!([]), "no-certificate"),
                ("certificates", json!([serials[1]]), "certificate-missing"),
                ("certificates", json!(["xyz"]), "unknown-certificate"),
                ("transport_pin", json!("12"), "transport-pin"),
            ] {
                let mut wrong = body.clone();
                wrong[field] = value;
                described.refused(step, &id, token, &wrong, 400, error);
            }
        }
        let (status, applicant) = described.json(step, &id, token, body);
        assert_eq!((status, applicant["steps"].as_array().unwrap().len()), (200, index + 2), "{step} {applicant}");
        if step == "handOver" {
            // Another link, as long as the PIN was not shown.
            assert_eq!(described.json(step, &id, token, body).0, 200);
            described.refused("card", &id, token, &card, 409, "too-late");
        } else if step == "card" {
            // A slip can be mended until then.
        } else if step == "enter" {
            assert_eq!(
                (&applicant["stage"], &applicant["steps"][index + 1]["reference"]),
                (&json!("admitted"), &json!("main/eva"))
            );
        } else {
            described.refused(step, &id, token, body, 409, "too-late");
        }
    }
    described.refused("enter", &id, token, &entry, 409, "too-late");
    described.refused("correct", id.as_str(), None, &eva(), 401, "unauthorized");
    let (_, record) = described.json("show", &id, token, &Value::Null);
    assert_eq!((record["stage"].as_str(), record["transport_pin"].as_str()), (Some("handed-over"), Some("kept")));
    assert!(!record.to_string().contains(PIN));

    // Who is past the identity check corrects nothing any more.
    let late = json!({ "name": "Ota", "email": "ota@example.cz", "country": "CZ" });
    let (_, ota) = described.json("register", "", None, &late);
    let link = links(&world, "confirm").pop().unwrap();
    ask(&world, Method::Post, &link, None, "application/x-www-form-urlencoded", Vec::new());
    let (ota_id, own) = (ota["id"].as_str().unwrap(), ota["secret"].as_str());
    let ota_seen = fingerprint(ota_id);
    // Before it, five times; an operator may as often as it takes.
    let named = |number: u32| json!({ "name": format!("Ota {number}"), "email": "ota@example.cz", "country": "CZ" });
    for number in 0..5 {
        let (status, corrected) = described.json("correct", ota_id, own, &named(number));
        assert_eq!((status, corrected["stage"].as_str()), (200, Some("confirmed")));
        assert_eq!(described.json("correct", ota_id, own, &named(number)), (status, corrected), "the same is none");
    }
    described.refused("correct", ota_id, own, &named(5), 409, "too-many-corrections");
    let by_operator = |data: Value| json!({ "operator": "Jan", "fingerprint": fingerprint(ota_id), "data": data });
    // What an operator read before the last of them undoes none.
    let stale = json!({ "operator": "Jan", "fingerprint": ota_seen, "data": named(5) });
    described.refused("correctByOperator", ota_id, token, &stale, 409, "data-changed");
    assert_eq!(described.json("own", ota_id, own, &Value::Null).1["name"], "Ota 4");
    let (status, corrected) = described.json("correctByOperator", ota_id, token, &by_operator(named(5)));
    let last = corrected["steps"].as_array().unwrap().last().unwrap();
    assert_eq!((status, &last["step"], &last["operator"]), (200, &json!("correct"), &json!("Jan")));
    described.refused(
        "correctByOperator",
        ota_id,
        token,
        &by_operator(json!({ "name": "", "email": "ota@example.cz", "country": "CZ" })),
        400,
        "name",
    );
    described.json("identity", ota_id, token, &seen(ota_id));
    described.refused("correct", ota_id, own, &late, 409, "too-late");
    described.refused("correctByOperator", ota_id, token, &by_operator(late.clone()), 409, "too-late");

    // Closed, as it is unless policy says otherwise.
    let closed = World::new();
    let shut = Described { world: &closed, document: description(), seen: RefCell::default() };
    shut.refused("register", "", None, &eva(), 403, "closed");

    let mut seen = described.seen.into_inner();
    seen.extend(shut.seen.into_inner());
    assert_all_seen(&described.document, |path| path.starts_with("/api/"), &seen);
    // No personal data, no secret in the log.
    let log = world.log.lock().unwrap().iter().map(|access| format!("{access} {access:?}\n")).collect::<String>();
    for secret in ["Eva", "example.cz", PIN, registered["secret"].as_str().unwrap(), &secret_token, &link[20..]] {
        assert!(!log.contains(secret), "{secret}");
    }
}

#[test]
fn who_fills_in_every_form_locks_nobody_out() {
    let policy = Policy::TEMPLATE.replace("open = false", "open = true").replace("per_peer = 10", "per_peer = 2");
    let world = World::with(&policy.replace("per_hour = 60", "per_hour = 3"), |config| config);
    let described = Described { world: &world, document: description(), seen: RefCell::default() };
    let form = |number: u32| json!({ "name": NAME, "email": format!("n{number}@example.cz"), "country": "CZ" });
    for number in 0..2 {
        assert_eq!(described.json("register", "", None, &form(number)).0, 201);
    }
    described.refused("register", "", None, &form(2), 429, "too-many");
    // Others may still, and an operator always may.
    for number in 3..6 {
        let email = format!("n{number}@example.cz");
        let mut command = Command::new(env!("CARGO_BIN_EXE_obnova-ca"));
        command.args(["applicant", world.home().to_str().unwrap(), "register", "--name", NAME, "--email", &email]);
        assert!(command.args(["--country", "CZ"]).output().unwrap().status.success());
    }
    let audit =
        Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(["audit", "show"]).arg(world.home()).output().unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    let by_clients = audit.lines().filter(|line| line.contains(" register ") && line.contains("client")).count();
    assert_eq!((audit.matches(" register ").count(), by_clients), (5, 2), "{audit}");
}

#[test]
fn methods_that_are_not_described_are_refused() {
    let world = open_world();
    for (path, item) in description()["paths"].as_object().unwrap() {
        let path = path.replace("{id}", &"0".repeat(32));
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let response = ask(&world, Method::Other(method.into()), &path, None, "application/json", Vec::new());
            let described = item.get(method.to_lowercase()).is_some();
            assert_eq!(response.status != 405, described, "{method} {path}: {}", response.status);
        }
    }
}

/// `obnova-ca applicant`, as an operator calls it: how it ends, and what it says.
fn by_operator(home: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_obnova-ca"))
        .arg("applicant")
        .arg(home)
        .args(arguments)
        .env("USER", "jan")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

#[test]
fn mailed_links_open_pages_and_only_a_button_does_something() {
    let world = open_world();
    let home = world.home();
    let run = |arguments: &[&str], input: &str| by_operator(&home, arguments, input);
    let (code, said) = run(&["register", "--name", NAME, "--email", EMAIL, "--country", "CZ"], "");
    assert_eq!(code, 0, "{said}");
    let id = said.lines().next().unwrap();
    // A slip that the operator finds; what is not said stays.
    let shown = || serde_json::from_str::<Value>(&run(&["show", id], "").1).unwrap();
    assert_eq!(run(&["correct", id, "--name", "Eva", "--number", "IDCCZ-1"], ""), (0, format!("{id} registered\n")));
    let slip = shown();
    assert_eq!((&slip["name"], &slip["email"], &slip["number"]), (&json!("Eva"), &json!(EMAIL), &json!("IDCCZ-1")));
    assert_eq!(run(&["correct", id, "--name", NAME, "--number", ""], "").0, 0);
    let shown = shown();
    assert_eq!(
        (&shown["name"], &shown["number"], &shown["steps"][1]["operator"]),
        (&json!(NAME), &Value::Null, &json!("jan"))
    );
    assert_eq!(run(&["correct", id, "--country", "cz"], "").0, 1);
    let seen = shown["fingerprint"].as_str().unwrap();
    let identity = ["identity", id, "--fingerprint", seen];
    assert_eq!(run(&identity, "").0, 4, "nobody has confirmed the address");
    assert_eq!(run(&["identity", &"0".repeat(32), "--fingerprint", seen], "").0, 3);
    let form = "application/x-www-form-urlencoded";
    let get = |path: &str| ask(&world, Method::Get, path, None, form, Vec::new());
    let post = |path: &str| ask(&world, Method::Post, path, None, form, Vec::new());

    let link = links(&world, "confirm").remove(0);
    for _ in 0..3 {
        let page = get(&link);
        assert!(page.status == 200 && text(&page).contains("<form method=\"post\">"), "{}", text(&page));
        assert_eq!(page.headers.get("referrer-policy"), Some("no-referrer"));
        assert_eq!(page.headers.get("cache-control"), Some("no-store"));
    }
    assert_eq!(run(&identity, "").0, 4, "looking confirms nothing");
    assert_eq!(post(&link).status, 200);
    assert_eq!((get(&link).status, post(&link).status), (410, 410));

    let (code, said) = run(&["identity", id, "--fingerprint", "00"], "");
    assert!(code == 4 && said.contains("look at them again"), "{code} {said}");
    assert_eq!(run(&identity, ""), (0, format!("{id} identified\n")));
    assert_eq!(run(&identity, "").0, 4);
    run(&["contract", id, "--reference", "C-1"], "");
    let enter = ["enter", id, "--user", "eva-1"];
    assert_eq!(run(&enter, "").0, 4, "it is not paid");
    run(&["payment", id, "--reference", "P-1"], "");
    // A service may hand over a one-time password instead of a card: for the name and the address that were checked.
    password(&world.home(), &JANA);
    assert_eq!(run(&["enter", id, "--user", "jana"], "").0, 4, "somebody else's");
    assert_eq!(run(&["correct", id, "--name", "Eva"], "").0, 4, "it is too late");
    assert_eq!(run(&enter, ""), (0, format!("{id} admitted\n")));
    let entered: Value = serde_json::from_str(&run(&["show", id], "").1).unwrap();
    let last = entered["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["step"], &last["operator"], &last["reference"]),
        (&json!("enter"), &json!("jan"), &json!("main/eva-1"))
    );
    let user = obnova_enroll::cmc::UserId::new("eva-1").unwrap();
    let subject = world.house.ca().first().unwrap().subject(&user, "main").unwrap();
    assert_eq!(subject.email, EMAIL);
    let serials = certificates(&world);
    let personalise = ["personalise", id, "--card", "0042", "--certificate", &serials[0], "--certificate", &serials[1]];
    let personalise = [&personalise[..], &["--transport-pin-file", "-"]].concat();
    assert_eq!(run(&personalise, "12\n").0, 1);
    assert_eq!(run(&personalise, &format!("{PIN}\n")), (0, format!("{id} personalised\n")));
    assert!(links(&world, "transport-pin").is_empty());
    assert_eq!(run(&["hand-over", id, "--operator", "Petra"], "").0, 0);
    let (_, shown) = run(&["show", id], "");
    assert!(
        shown.contains("\"operator\": \"Petra\"") && shown.contains("\"operator\": \"jan\"") && !shown.contains(PIN),
        "{shown}"
    );

    let link = links(&world, "transport-pin").remove(0);
    for _ in 0..3 {
        let page = get(&link);
        assert!(page.status == 200 && !text(&page).contains(PIN), "{}", text(&page));
    }
    let page = post(&link);
    assert!(page.status == 200 && text(&page).contains(PIN), "{}", text(&page));
    assert_eq!(page.headers.get("cache-control"), Some("no-store"));
    for again in [post(&link), get(&link)] {
        assert!(again.status == 410 && !text(&again).contains(PIN), "{}", text(&again));
    }
    for wrong in [
        "/confirm/00".to_owned(),
        format!("/transport-pin/{}", "0".repeat(72)),
        link.replace("transport-pin", "confirm"),
    ] {
        assert_eq!((get(&wrong).status, post(&wrong).status), (404, 404), "{wrong}");
    }
    // It is lost then: no link shows it again, and another card takes the place of this one.
    let (code, said) = run(&["hand-over", id], "");
    assert!(code == 4 && said.contains("was shown") && said.contains("personalise another card"), "{code} {said}");
    let more = certificates(&world);
    let another = ["personalise", id, "--card", "0043", "--certificate", &more[0], "--certificate", &more[1]];
    let another = [&another[..], &["--transport-pin-file", "-"]].concat();
    assert_eq!(run(&another, &format!("{PIN}\n")), (0, format!("{id} personalised\n")));
    let is_revoked = |serial: &String| {
        let serial: Vec<_> =
            (0..serial.len()).step_by(2).map(|at| u8::from_str_radix(&serial[at..at + 2], 16).unwrap()).collect();
        world.house.ca().certificate(&serial).unwrap().unwrap().revoked
    };
    assert!(serials.iter().all(is_revoked) && !more.iter().any(is_revoked));
    assert_eq!(run(&["hand-over", id], "").0, 0);
    assert_eq!(run(&another, &format!("{PIN}\n")).0, 4, "handed over, and its PIN is kept");
    let (_, list) = run(&["list", "--stage", "handed-over"], "");
    assert!(list.contains(id) && list.contains(NAME), "{list}");
    let audit = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(["audit", "show"]).arg(&home).output().unwrap();
    let audit = String::from_utf8(audit.stdout).unwrap();
    let steps = ["register", "correct", "confirm", "identity", "contract", "payment", "enter", "card", "hand-over"];
    for step in steps.into_iter().chain(["transport-pin"]) {
        assert!(audit.contains(&format!("{id} {step} ")), "{step} in {audit}");
    }
    assert!(!audit.contains("Eva") && !audit.contains("Petra") && !audit.contains("example.cz"), "{audit}");
    let log = world.log.lock().unwrap().iter().map(|access| access.path.clone()).collect::<BTreeSet<_>>();
    assert_eq!(log, ["/confirm/...", "/transport-pin/..."].map(str::to_owned).into());
}

/// Whoever makes the cards sends two requests of the keys on one, and takes down what came.
#[test]
fn the_certificates_of_a_card_are_issued_for_requests_of_who_makes_it() {
    let world = open_world();
    let home = world.home();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| {
        let run =
            Command::new("openssl").args(arguments).output().expect("openssl is missing: apt-get install openssl");
        assert!(run.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let request_for = |kind: &[&str], name: &str, form: &str| {
        let (key, file) = (at(&format!("{name}.key")), at(name));
        let new = ["req", "-new", "-nodes", "-subj", "/CN=card 42", "-keyout", &key, "-outform", form, "-out", &file];
        openssl(&[&new[..], &["-newkey"], kind].concat());
        file
    };
    let request = |name: &str, form: &str| request_for(&["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], name, form);
    let (one, other) = (request("one", "PEM"), request("other", "DER"));
    let run = |arguments: &[&str], input: &str| by_operator(&home, arguments, input);
    let (_, said) = run(&["register", "--name", NAME, "--email", EMAIL, "--country", "CZ", "--number", "IDCCZ-7"], "");
    let id = said.lines().next().unwrap();
    let out = at("card");
    let certify = |one: &str, other: &str| {
        run(&["certify", id, "--authentication", one, "--signature", other, "--out", &out], "")
    };
    let audit = || {
        let shown = Command::new(env!("CARGO_BIN_EXE_obnova-ca")).args(["audit", "show"]).arg(&home).output().unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    let certified = || audit().matches("first-pair").count();
    let before = certified();
    let form = "application/x-www-form-urlencoded";
    let link = links(&world, "confirm").remove(0);
    assert_eq!(ask(&world, Method::Post, &link, None, form, Vec::new()).status, 200);
    let shown: Value = serde_json::from_str(&run(&["show", id], "").1).unwrap();
    run(&["identity", id, "--fingerprint", shown["fingerprint"].as_str().unwrap()], "");
    run(&["contract", id, "--reference", "C-1"], "");
    assert_eq!(certify(&one, &other).0, 4, "it is not paid");
    run(&["payment", id, "--reference", "P-1"], "");
    let nobody = ["certify", &"0".repeat(32), "--authentication", &one, "--signature", &other];
    assert_eq!(run(&nobody, "").0, 3);

    // What is no request, or is not signed by its key, or is of a key that no library here knows, is refused by name.
    let forged = at("forged");
    let mut der = fs::read(&other).unwrap();
    *der.last_mut().unwrap() ^= 1;
    fs::write(&forged, der).unwrap();
    fs::write(at("text"), "no request").unwrap();
    fs::write(at("long"), vec![0x30; 1 << 20]).unwrap();
    let unknown = request_for(&["ed25519"], "unknown", "PEM");
    for wrong in [&forged, &at("text"), &at("long"), &at("missing"), &unknown] {
        let (code, said) = certify(&one, wrong);
        assert!(code == 1 && said.contains(wrong.as_str()), "{code} {said}");
        let (code, said) = certify(wrong, &one);
        assert!(code == 1 && said.contains(wrong.as_str()), "{code} {said}");
    }
    // Keys are refused for what they are: the same one twice, one that policy does not take, and one that is certified already.
    let large = request_for(&["rsa:4096"], "large", "PEM");
    let (keys, holder) = (request("taken", "PEM"), Holder { name: format!("CN={NAME},C=CZ"), email: EMAIL.into() });
    let taken = CertificationRequest::from_pem(&fs::read_to_string(&keys).unwrap()).unwrap();
    let other_key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    world.house.first_pair(&holder, other_key.public_key(), taken.public_key(), 300, SystemTime::now()).unwrap();
    let before = before + 1;
    for (wrong, problem) in [(&one, "same key"), (&large, "RSA 4096"), (&keys, "certified already")] {
        let (code, said) = certify(&one, wrong);
        assert!(code == 1 && said.contains(problem), "{code} {said}");
    }
    assert!(fs::read_dir(&out).map_or(0, Iterator::count) == 0, "nothing is left of what was refused");
    assert_eq!(certified(), before, "nothing was issued");

    let (code, said) = certify(&one, &other);
    assert_eq!(code, 0, "{said}");
    let serials: Vec<_> = said.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!(serials.iter().map(|(role, _)| *role).collect::<Vec<_>>(), ["authentication", "signature"]);
    for ((role, serial), key) in serials.iter().zip(["one", "other"]) {
        let file = format!("{out}/{role}.pem");
        let told = openssl(&[
            "x509",
            "-in",
            &file,
            "-noout",
            "-serial",
            "-subject",
            "-email",
            "-nameopt",
            "RFC2253,utf8,-esc_msb",
        ]);
        assert!(told.to_lowercase().contains(&format!("serial={serial}")), "{told}");
        assert!(told.contains(NAME) && told.contains("IDCCZ-7") && told.contains(EMAIL), "{told}");
        assert!(!told.contains("card 42"), "the CA knows who it is: {told}");
        let public = ["-noout", "-pubkey"];
        let of_key = openssl(&["pkey", "-in", &at(&format!("{key}.key")), "-pubout"]);
        assert_eq!(openssl(&[&["x509", "-in", &file], &public[..]].concat()), of_key, "{role}");
        let path = |name: &str| home.join(name).to_str().unwrap().to_owned();
        openssl(&["verify", "-x509_strict", "-CAfile", &path("root.pem"), "-untrusted", &path("issuing.pem"), &file]);
    }
    // The files that are there are not written over, and no key is certified twice.
    let (code, said) = certify(&one, &other);
    assert!(code == 1 && said.contains("already"), "{code} {said}");
    let printed = run(&["certify", id, "--authentication", &one, "--signature", &other], "");
    assert!(printed.0 == 1 && printed.1.contains("certified already"), "{}", printed.1);
    assert_eq!(certified(), before + 1);

    let personalise = ["personalise", id, "--card", "42", "--certificate", serials[0].1, "--certificate", serials[1].1];
    let personalise = [&personalise[..], &["--transport-pin-file", "-"]].concat();
    assert_eq!(run(&personalise, &format!("{PIN}\n")), (0, format!("{id} personalised\n")));
    let (code, _) = certify(&request("third", "PEM"), &request("fourth", "PEM"));
    assert_eq!(code, 1, "the folder has the certificates of the card before");
    assert_eq!(run(&["hand-over", id], "").0, 0);
    let link = links(&world, "transport-pin").remove(0);
    let page = ask(&world, Method::Post, &link, None, form, Vec::new());
    assert!(page.status == 200 && text(&page).contains(PIN), "{}", text(&page));
    let audit = audit();
    for (_, serial) in serials {
        assert!(audit.contains(serial), "{serial} in {audit}");
    }
}
