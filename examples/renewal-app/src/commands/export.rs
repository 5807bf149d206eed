use std::{fs, path::Path};

use obnova_card::SlotId;
use obnova_client::look;
use obnova_renewal::{ParsedCertificate, SlotView, date};

use crate::{
    cli::Global,
    failure::{Failure, Kind},
    files,
    texts::t,
    tokens,
    ui::{Mark, Screen},
    view,
};

/// `export`: what stands in the certificates, as files that people can send. No PIN.
pub fn run(global: &Global, folder: &Path, slots: &[u32]) -> Result<(), Failure> {
    let card = look(tokens::open(global)?.as_mut())?;
    let wanted = |slot: &SlotView| match slots {
        [] => true,
        some => some.iter().any(|number| SlotId(*number) == slot.id),
    };
    let mut screen = Screen::new();
    let mut written = 0;
    for slot in card.slots.iter().filter(|slot| wanted(slot)) {
        for certificate in slot.certificates.iter().filter_map(|entry| entry.certificate.as_ref()) {
            fs::create_dir_all(folder)?;
            let role = slot.key.as_ref().map(|key| view::role(key.role)).unwrap_or_default();
            write(folder, slot, &role, certificate, &mut screen)?;
            written += 1;
        }
    }
    if written == 0 {
        return Err(Failure::new(Kind::NotEligible, t!("export-nothing")));
    }
    Ok(())
}

fn write(
    folder: &Path,
    slot: &SlotView,
    role: &str,
    certificate: &ParsedCertificate,
    screen: &mut Screen,
) -> Result<(), Failure> {
    // Certificates of one person differ by their serial number, which is safe in a file name.
    let name = format!("slot{}-{}", slot.id, certificate.serial());
    let file = |extension: &str| folder.join(format!("{name}.{extension}"));
    fs::write(file("pem"), files::pem(certificate.der()))?;
    fs::write(file("der"), certificate.der())?;
    let summary = t!(
        "export-summary",
        subject = certificate.subject().to_string(),
        issuer = certificate.issuer().to_string(),
        serial = certificate.serial(),
        from = date(certificate.not_before()),
        until = date(certificate.not_after()),
        role = role
    );
    fs::write(file("txt"), summary + "\n")?;
    let path = file("pem").with_extension("").display().to_string();
    screen.mark(Mark::Good, &t!("export-written", role = role, file = path));
    Ok(())
}
