//! Everything that a holder reads, in the vendor's language.
//!
//! What the engine says has names: each use of a PIN, each phase, reason, failure and refusal has a message id. Whatever has
//! no text here yet (a newer engine knows more) is shown in the engine's own English words.

use std::time::SystemTime;

use obnova_client::{
    CaError, RunError,
    card::{KeyRole, PasswordKind, PasswordSteps, TokenError, Tries},
    renewal::{self, Action, Failure, NotEligible, Phase, PinUse, Reason, Refusal, Risk},
};

/// What a PIN is for.
#[must_use]
pub fn pin_use(one: PinUse) -> String {
    by_id(one.id()).map_or_else(|| one.to_string(), str::to_owned)
}

/// Title of a part of the renewal.
#[must_use]
pub fn phase(phase: Phase) -> &'static str {
    by_id(phase.id()).unwrap_or("Obnovení certifikátů")
}

/// The name of a password, as it stands in the letter that came with the card.
#[must_use]
pub const fn password(kind: PasswordKind) -> &'static str {
    match kind {
        PasswordKind::AuthenticationPin => "PIN pro přihlašování",
        PasswordKind::SignaturePin => "PIN pro podpis",
        PasswordKind::Puk => "PUK",
        PasswordKind::TransportPin => "transportní PIN",
    }
}

/// What a certificate is for.
#[must_use]
pub const fn role(role: KeyRole) -> &'static str {
    match role {
        KeyRole::Authentication => "přihlašovací",
        KeyRole::Signature => "podpisový",
    }
}

/// How many tries are left.
#[must_use]
pub fn tries(tries: Tries) -> String {
    match tries {
        Tries::Known(count) => format!("zbývající pokusy: {count}"),
        Tries::Low => "zbývá už jen málo pokusů".into(),
        Tries::Last => "zbývá poslední pokus".into(),
        Tries::Unknown => "počet zbývajících pokusů karta nesděluje".into(),
    }
}

/// The one that was entered was not right.
#[must_use]
pub fn was_wrong(kind: PasswordKind, left: Tries) -> String {
    format!("{} nebyl správný; {}.", password(kind), tries(left))
}

/// One more wrong one blocks it, or may.
#[must_use]
pub const fn last_try(tries: Tries) -> &'static str {
    if tries.may_be_last() { "zbývá poslední pokus" } else { "může to být poslední pokus" }
}

/// What was done; `None` for what a holder need not know.
#[must_use]
pub fn done(action: &Action) -> Option<&'static str> {
    Some(match action.name() {
        "generate" => "nový klíč je na kartě",
        "request" => "žádost je podepsána novým klíčem",
        "prepare" => "prohlášení pro registrační místo je sepsáno",
        "vouch" => "prohlášení je podepsáno dosavadním klíčem",
        "send" => "objednávka leží ve složce registračního místa",
        "pick-up" => "složka registračního místa prohlédnuta",
        "install" => "oba nové certifikáty jsou zapsány na kartě",
        "acknowledge" => "převzetí je potvrzeno",
        "prove-signature" => "zkušební podpis novým klíčem je správný",
        _ => return None,
    })
}

/// What is said before something that takes its time.
#[must_use]
pub fn slow(action: &Action) -> Option<&'static str> {
    matches!(action, Action::Generate { .. }).then_some("karta vyrábí klíč, někdy to trvá i půl minuty …")
}

/// A risk by the nature of the card.
#[must_use]
pub fn risk(risk: Risk) -> String {
    by_id(risk.id()).map_or_else(|| risk.to_string(), str::to_owned)
}

/// Why the pair cannot be renewed now: every reason at once.
#[must_use]
pub fn not_eligible(refused: &NotEligible) -> Vec<String> {
    refused.reasons.iter().map(reason).collect()
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::NotDue { from, .. } => format!("Na obnovení je ještě čas: začít se dá od {}.", date(*from)),
        Reason::Expired { since, .. } => {
            format!("Certifikát skončil {}; přijďte prosím na registrační místo.", date(*since))
        }
        Reason::PinBlocked { password: kind } => {
            format!("{} je zablokován: odblokujte jej pomocí PUK.", password(*kind))
        }
        Reason::PukNotTaken { password: kind } => {
            format!("{} je zablokován a PUK této starší karty se zde použít nedá: požádejte o novou.", password(*kind))
        }
        Reason::PinDead { password: kind } => {
            format!("{} je zablokován a odblokovat jej už nelze: požádejte o novou kartu.", password(*kind))
        }
        Reason::OnlyOneOfTwo { missing } => format!("Na kartě chybí {} certifikát z dvojice.", role(*missing)),
        Reason::NoFreeSlot { needed, free } => {
            format!("Na kartě není místo: je třeba {needed}, volná jsou {free}. Odstraňte staré certifikáty.")
        }
        other => by_id(other.id()).map_or_else(|| other.to_string(), str::to_owned),
    }
}

/// How it ended without new certificates.
#[must_use]
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Refused { reason, text } => match by_id(&format!("house-{reason}")) {
            Some(known) => format!("Registrační místo objednávku odmítlo: {known}"),
            None => format!("Registrační místo objednávku odmítlo ({reason}): {text}"),
        },
        Failure::Link(why) => by_id(why.id()).map_or_else(|| why.to_string(), str::to_owned),
        Failure::Rejected(refusal) => format!("Co přišlo, na kartu nepatří: {}", refused(refusal)),
        other => by_id(other.id()).map_or_else(|| other.to_string(), str::to_owned),
    }
}

fn refused(refusal: &Refusal) -> String {
    by_id(refusal.id()).map_or_else(|| refusal.to_string(), str::to_owned)
}

/// What can be done about a password that is blocked.
fn blocked(kind: PasswordKind, steps: Option<&PasswordSteps>) -> String {
    let name = password(kind);
    match (steps.map(|steps| steps.instead_of(kind)), kind) {
        (Some(Some(_)), _) => format!("{name} je zablokován: odblokujte jej pomocí PUK."),
        (_, PasswordKind::TransportPin) => {
            "Transportní PIN je zablokován a kartu už nelze aktivovat: požádejte o novou.".into()
        }
        (_, PasswordKind::Puk) => {
            "PUK je zablokován a PIN už jím odblokovat nelze. Co zablokováno není, funguje dál.".into()
        }
        (Some(None), _) => format!("{name} je zablokován a odblokovat jej už nelze: požádejte o novou kartu."),
        (None, _) => format!("{name} je zablokován: vložte kartu a zkuste to znovu, uvidíte, co se s tím dá dělat."),
    }
}

/// Why a step was not done; with what can be done about the card's passwords, where it tells.
#[must_use]
pub fn error(error: &RunError, steps: Option<&PasswordSteps>) -> String {
    match error {
        RunError::NoCard => "K tomuto kroku je třeba karta: vložte ji a pokračujte.".into(),
        RunError::WrongCard { wanted, .. } => format!("To je jiná karta. Vložte prosím kartu číslo {wanted}."),
        RunError::NoRoom(full) => format!("Nic se neztratilo: {}", refused(full)),
        RunError::LastTryKept { password: kind, tries: left, was_wrong: spent, instead } => {
            let wrong = if *spent { format!("{} ", was_wrong(*kind, *left)) } else { String::new() };
            let instead = match instead {
                Some(_) => "Nastavte nový pomocí PUK, nebo zadejte ten správný.",
                None => "Nový nastavit nelze: pokračujte, jen když jste si jistí, jinak se obraťte na vydavatele.",
            };
            format!("{wrong}{}: poslední pokus zůstal nevyužit. {instead}", password(*kind))
        }
        RunError::Token(TokenError::WrongSecret { password: kind, tries: Tries::Known(0) }) => {
            format!("{} nebyl správný. {}", password(*kind), blocked(*kind, steps))
        }
        RunError::Token(TokenError::WrongSecret { password: kind, tries: left }) => was_wrong(*kind, *left),
        RunError::Token(TokenError::Blocked { password: kind }) => blocked(*kind, steps),
        RunError::Ca(CaError::Unreachable { server, .. }) => {
            format!("Složka {server} není dostupná. Připojte ji a pokračujte; nic se neztratilo.")
        }
        RunError::Prompt(_) => "Přerušeno. Co je hotovo, zůstává; pokračovat můžete kdykoli.".into(),
        other => other.to_string(),
    }
}

/// A day, as it is written here: `21. 11. 2026`.
#[must_use]
pub fn date(time: SystemTime) -> String {
    let iso = renewal::date(time);
    let mut parts = iso.split('-').map(|part| part.trim_start_matches('0'));
    match (parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day)) => format!("{day}. {month}. {year}"),
        _ => iso,
    }
}

/// The text for a message id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static str> {
    TEXTS.iter().find(|(known, _)| *known == id).map(|(_, text)| *text)
}

const TEXTS: &[(&str, &str)] = &[
    ("phase-new-keys", "Nové klíče na kartu"),
    ("phase-requests", "Podpis a podání žádostí"),
    ("phase-finish", "Nové certifikáty na kartu"),
    ("use-make-authentication-key", "vyrobit na kartě nový přihlašovací klíč"),
    ("use-make-signature-key", "vyrobit na kartě nový podpisový klíč"),
    ("use-sign-authentication-request", "podepsat žádost o přihlašovací certifikát (novým klíčem)"),
    ("use-sign-signature-request", "podepsat žádost o podpisový certifikát (novým klíčem)"),
    ("use-vouch-authentication", "podepsat prohlášení dosavadním přihlašovacím klíčem"),
    ("use-vouch-signature", "podepsat prohlášení dosavadním podpisovým klíčem"),
    ("use-install", "zapsat oba nové certifikáty na kartu"),
    ("use-login", "přihlásit se novým certifikátem"),
    ("use-test-signature", "vyzkoušet podpis novým klíčem"),
    ("use-sign-order-authentication", "podepsat objednávku novým přihlašovacím klíčem"),
    ("use-sign-order-signature", "podepsat objednávku novým podpisovým klíčem"),
    ("use-see-left-overs", "ukázat, co zbylo po přerušení a bez PINu není vidět"),
    ("use-remove", "odstranit z karty, co už není třeba"),
    ("use-repair", "opravit seznam toho, co na kartě je"),
    ("use-revoke", "podepsat, že certifikát má skončit"),
    ("use-receipt", "podepsat, že certifikáty jsou na kartě (novým klíčem)"),
    ("use-set-password", "přihlásit se, aby bylo možné nastavit heslo pro zneplatnění"),
    (
        "risk-in-place-only",
        "Tato karta umí klíče jen nahradit. Dosavadní klíče zaniknou dřív, než budou nové certifikáty, a do té doby \
         na kartě nic nefunguje.",
    ),
    ("reason-card-finished", "Karta nebyla nikdy aktivována a pokusy na to došly. Požádejte prosím o novou kartu."),
    ("reason-not-active", "Karta není aktivována: nejprve ji aktivujte."),
    ("reason-pin-not-set", "PIN ještě nebyl nastaven."),
    ("reason-no-certificates", "Na kartě nejsou certifikáty s klíčem. Je to správná karta?"),
    ("reason-of-other-issuers", "Na kartě není certifikát tohoto vydavatele. Je to správná karta?"),
    ("reason-broken-certificate", "Certifikát na kartě nelze přečíst."),
    ("reason-not-yet-valid", "Certifikát ještě neplatí. Zkontrolujte datum v počítači."),
    (
        "reason-several-pairs",
        "Na kartě jsou platné certifikáty různých držitelů nebo vydavatelů a není jasné, které se mají obnovit. Ozvěte se nám prosím.",
    ),
    ("reason-algorithm-not-offered", "Karta neumí vyrobit klíč, který registrační místo žádá."),
    (
        "reason-algorithm-not-taken",
        "Vydavatel takový klíč nepřijímá a jiný, který by přijal, karta nevyrobí. Ozvěte se nám prosím.",
    ),
    (
        "reason-kept-key-not-taken",
        "Vydavatel klíč, který měl zůstat, už nepřijímá: obnovte certifikáty s novými klíči.",
    ),
    (
        "reason-key-not-of-service",
        "Klíč, který karta může nabídnout, tato služba necertifikuje. Požádejte prosím o jinou kartu.",
    ),
    (
        "reason-kept-key-not-of-service",
        "Klíč, který měl zůstat, tato služba necertifikuje: obnovte certifikáty s novými klíči.",
    ),
    (
        "reason-issuer-against-service",
        "Vydavatel nepřijímá žádný z klíčů, které má podle pravidel služby přijmout. Ozvěte se nám prosím.",
    ),
    (
        "reason-one-certificate-only",
        "Karta má ke každému klíči místo jen pro jeden certifikát: obnovte certifikáty s novými klíči.",
    ),
    (
        "reason-key-full",
        "Ke klíči se na kartu žádný další certifikát nevejde: odstraňte staré certifikáty, nebo obnovte s novými klíči.",
    ),
    ("reason-card-full", "Na kartu se žádný další certifikát nevejde: odstraňte staré certifikáty."),
    ("reason-not-for-login", "Obnovuje se po přihlášení a tento certifikát k přihlášení není."),
    ("reason-extension-not-ours", "Vydavatel chce v žádosti něco, co v ní být nesmí. Ozvěte se nám prosím."),
    ("reason-one-request-only", "Touto cestou jde obnovit jen jeden certifikát, a tyto patří k sobě."),
    (
        "reason-no-place-for-password",
        "Touto cestou nelze nastavit heslo pro zneplatnění, a vydavatel bez něj první objednávku nepřijme.",
    ),
    ("reason-key-cannot-sign", "Dosavadním klíčem nelze podepsat prohlášení."),
    ("failure-declined", "Nesouhlasili jste; nic se nestalo."),
    (
        "failure-certificates-declined",
        "S certifikáty jste nesouhlasili; na kartu zapsány nebyly. Ozvěte se nám prosím.",
    ),
    ("link-unknown", "Tento odkaz neznáme; nic se nezměnilo. Zkontrolujte, zda je celý."),
    (
        "link-on-hold",
        "Certifikát, který by se odkazem obnovil, je pozastaven; nic se nezměnilo. Požádejte o ukončení pozastavení a přijďte se stejným odkazem znovu.",
    ),
    (
        "link-revoked",
        "Certifikát, který by se odkazem obnovil, je zneplatněn, a bez něj se neobnoví nic; nic se nezměnilo. Požádejte o nové certifikáty.",
    ),
    ("link-over", "Tímto odkazem už obnovu zahájit nelze; nic se nezměnilo. Začněte bez něj."),
    (
        "link-other-card",
        "Tento odkaz je pro jinou kartu, nebo ne pro všechny certifikáty, které se na této obnovují; nic se nezměnilo. Vložte prosím tu, pro kterou přišel.",
    ),
    (
        "failure-unfit",
        "Dosavadní certifikáty jsou zneplatněny nebo pozastaveny, anebo se nelze dozvědět, že nejsou. Přijďte prosím \
         na registrační místo.",
    ),
    ("failure-old-keys-needed", "Dosavadní klíče by zanikly dřív, než podepíší prohlášení; nic se nestalo."),
    ("failure-pair-expired", "Dosavadní certifikáty skončily dřív, než byla žádost podána."),
    ("failure-slot-taken", "Místo na kartě mezitím obsadilo něco jiného: začněte znovu."),
    ("failure-key-lost", "Karta neumí říci, jaký klíč vyrobila: odstraňte jej a začněte znovu."),
    ("failure-key-gone", "Nový klíč už na kartě není: začněte znovu."),
    ("failure-inconsistent", "Chyba programu; pošlete nám prosím hlášení."),
    ("failure-read-back", "Karta neukazuje, co na ni bylo zapsáno. Nepoužívejte ji a ozvěte se nám."),
    ("refusal-malformed", "není to certifikát."),
    ("refusal-too-many", "je toho příliš mnoho."),
    ("refusal-another-key", "certifikáty jsou pro jiný klíč."),
    ("refusal-only-one-of-two", "přišel jen jeden certifikát ze dvou."),
    ("refusal-twice", "pro jeden klíč přišly dva různé certifikáty."),
    ("refusal-swapped", "certifikáty jsou zaměněny."),
    ("refusal-not-new", "certifikát nekončí později než ten k témuž klíči, který je na kartě."),
    ("refusal-key-full", "ke klíči se na kartu žádný další nevejde: odstraňte staré a zopakujte to."),
    ("refusal-card-full", "na kartu se žádný další nevejde: odstraňte staré a zopakujte to."),
    ("refusal-no-subject", "v certifikátu není žádné jméno."),
    ("refusal-two-subjects", "nové certifikáty jsou každý na jiné jméno."),
    ("refusal-another-subject", "certifikát je na jiné jméno."),
    ("refusal-other-alt-names", "v certifikátu je jiná adresa."),
    ("refusal-chain", "certifikát nevydalo naše registrační místo."),
    ("refusal-expired", "certifikát už skončil."),
    ("refusal-not-yet-valid", "certifikát ještě neplatí."),
    ("refusal-is-ca", "je to certifikát vydavatele."),
    ("refusal-key-usage", "certifikát je k něčemu jinému."),
    ("refusal-extended-key-usage", "certifikátem se nelze přihlásit."),
    ("refusal-qc-statement", "certifikát není kvalifikovaný."),
    ("house-missing-signature", "pod prohlášením chybí podpis jednoho z dosavadních klíčů."),
    ("house-foreign-signature", "prohlášení nepodepsal dosavadní klíč."),
    ("house-statement", "prohlášení nepatří k těmto žádostem."),
    ("house-unknown-certificate", "dosavadní certifikát není v rejstříku."),
    ("house-request", "jedna z žádostí není v pořádku; nevydává se ani druhý certifikát."),
    ("house-too-early", "na obnovení je ještě čas."),
    ("house-expired", "dosavadní certifikát už skončil."),
];

#[cfg(test)]
mod tests {
    use obnova_client::{
        card::{Alphabet, Capabilities, PasswordState, PasswordStatus},
        renewal::LinkRefusal,
    };

    use super::*;

    #[test]
    fn what_a_pin_is_for_is_said_in_czech() {
        let roles = [KeyRole::Authentication, KeyRole::Signature];
        let of_roles =
            roles.into_iter().flat_map(|role| [PinUse::MakeKey(role), PinUse::SignRequest(role), PinUse::Vouch(role)]);
        for one in of_roles.chain([PinUse::Install, PinUse::Login, PinUse::TestSignature]) {
            assert!(by_id(one.id()).is_some(), "{one}");
        }
        assert!(Phase::ALL.into_iter().all(|phase| by_id(phase.id()).is_some()));
        assert!(by_id(Risk::InPlaceOnly.id()).is_some());
    }

    #[test]
    fn a_refusal_of_the_house_has_its_own_words_or_the_office_s() {
        let say =
            |reason: &str| failure(&Failure::Refused { reason: reason.into(), text: "Ask at the counter.".into() });
        assert!(say("missing-signature").contains("chybí podpis"));
        assert!(say("closed-on-sundays").ends_with("(closed-on-sundays): Ask at the counter."));
        assert!(failure(&Failure::Rejected(Refusal::Swapped)).contains("zaměněny"));
        assert!(error(&RunError::NoRoom(Refusal::CardFull), None).contains("odstraňte staré"));
        assert!(failure(&Failure::Link(LinkRefusal::Over)).contains("Začněte bez něj"));
        assert_eq!(failure(&Failure::Declined), "Nesouhlasili jste; nic se nestalo.");
    }

    #[test]
    fn what_helps_against_a_blocked_password_is_what_the_card_still_has() {
        let status = |kind, state| PasswordStatus { kind, state, minimum: 4, maximum: 8, alphabet: Alphabet::Digits };
        let (kind, puk) = (PasswordKind::SignaturePin, PasswordKind::Puk);
        let said = |kind, puk_state| {
            let passwords = [status(PasswordKind::SignaturePin, PasswordState::Blocked), status(puk, puk_state)];
            let capabilities = Capabilities { takes_puk: true, ..Capabilities::default() };
            let steps = PasswordSteps::of(&capabilities, &passwords);
            let both = [
                TokenError::Blocked { password: kind },
                TokenError::WrongSecret { password: kind, tries: Tries::Known(0) },
            ];
            both.map(|one| error(&RunError::Token(one), Some(&steps)))
        };
        let by_puk = "odblokujte jej pomocí PUK";
        assert!(said(kind, PasswordState::Active(Tries::Known(1))).iter().all(|text| text.contains(by_puk)));
        let dead = said(kind, PasswordState::Blocked);
        assert!(dead.iter().all(|text| !text.contains(by_puk) && text.contains("požádejte o novou kartu")), "{dead:?}");
        assert!(said(puk, PasswordState::Blocked).iter().all(|text| !text.contains(by_puk)));
    }

    #[test]
    fn a_day_is_written_as_it_is_here() {
        let day = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_796_000_000);
        assert_eq!(date(day), "30. 11. 2026");
    }

    /// What the engine says in English, by its sources: whatever has an id there has a text here, but for what is said with a day, a
    /// number or a name in it.
    #[test]
    fn whatever_the_engine_says_in_english_is_said_in_czech() {
        let sources = [
            ("use", include_str!("../../../crates/renewal/src/uses.rs")),
            ("phase", include_str!("../../../crates/renewal/src/uses.rs")),
            ("risk", include_str!("../../../crates/renewal/src/plan.rs")),
            ("reason", include_str!("../../../crates/renewal/src/reason.rs")),
            ("failure", include_str!("../../../crates/renewal/src/record.rs")),
            ("refusal", include_str!("../../../crates/renewal/src/refusal.rs")),
            ("link", include_str!("../../../crates/renewal/src/notice.rs")),
        ];
        let (since, password) = (SystemTime::UNIX_EPOCH, PasswordKind::SignaturePin);
        let (role, reasons) = (KeyRole::Signature, |one: Reason| (one.id(), reason(&one) != one.to_string()));
        let failures = |one: Failure| (one.id(), failure(&one) != one.to_string());
        let with_words = [
            reasons(Reason::NotDue { from: since, until: since }),
            reasons(Reason::Expired { role, since }),
            reasons(Reason::PinBlocked { password }),
            reasons(Reason::PukNotTaken { password }),
            reasons(Reason::PinDead { password }),
            reasons(Reason::OnlyOneOfTwo { missing: role }),
            reasons(Reason::NoFreeSlot { needed: 2, free: 0 }),
            failures(Failure::Refused { reason: "too-early".into(), text: String::new() }),
            failures(Failure::Rejected(Refusal::Swapped)),
            failures(Failure::Link(LinkRefusal::Over)),
        ];
        for (kind, source) in sources {
            let ids: Vec<_> = source.split('"').filter(|text| is_id(text, kind)).collect();
            assert!(!ids.is_empty(), "{kind}");
            for id in ids {
                assert!(by_id(id).is_some() || with_words.contains(&(id, true)), "{id} has no text");
            }
        }
    }

    /// Whether this is an id of such a thing, between two quotation marks of a source.
    fn is_id(text: &str, kind: &str) -> bool {
        let rest = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
    }

    #[test]
    fn no_id_is_there_twice() {
        let mut ids: Vec<_> = TEXTS.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), TEXTS.len());
    }
}
