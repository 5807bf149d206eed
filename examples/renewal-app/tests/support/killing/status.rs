//! What the CA says of certificates in the end, as OpenSSL takes it: by OCSP, and by the list that it makes on demand.

use std::fs;

use super::{Killing, certificates, ok};
use crate::support::peers::run;

impl Killing<'_, '_, '_> {
    /// The certificates on the card with these serial numbers are revoked, and all others are good.
    pub fn assert_status(&mut self, revoked: &[&str]) {
        let (told, slots) = (self.told(), self.slots());
        let file = |name: &str| self.desk.file(name).to_str().unwrap().to_owned();
        let (issuing, root, list) = (file("ca/issuing.pem"), file("ca/root.pem"), file("list.pem"));
        self.house.operator(&["crl", "ca", "--out", "list.der"]).ends_with(0);
        ok("openssl", &["crl", "-inform", "DER", "-in", &file("list.der"), "-out", &list]);
        let responder = format!("{}/ocsp", self.house.url);
        let (mut asked, mut all) = (0, 0);
        for (_, certificate) in certificates(&slots) {
            let is_revoked = revoked.contains(&self.serial(certificate).as_str());
            (asked, all) = (asked + usize::from(is_revoked), all + 1);
            let pem = file(&format!("status{all}.pem"));
            fs::copy(self.pem(certificate), &pem).unwrap();
            let answer =
                run("openssl", &["ocsp", "-issuer", &issuing, "-CAfile", &root, "-url", &responder, "-cert", &pem]);
            let [said, of_it] = [&answer.stdout, &answer.stderr].map(|text| String::from_utf8_lossy(text));
            // It warns where there is no nonce.
            assert!(of_it.contains("Response verify OK") && !of_it.contains("WARNING"), "{told}: {said}{of_it}");
            let expected = format!("{pem}: {}", if is_revoked { "revoked" } else { "good" });
            assert!(said.contains(&expected), "{told}: {said}");
            let listed = ["verify", "-crl_check", "-CAfile", &root, "-untrusted", &issuing, "-CRLfile", &list, &pem];
            let listed = run("openssl", &listed);
            let why = String::from_utf8_lossy(&listed.stderr);
            assert_eq!(listed.status.success(), !is_revoked, "{told}: {why}");
            assert!(!is_revoked || why.contains("certificate revoked"), "{told}: {why}");
        }
        assert_eq!(asked, revoked.len(), "{told}: of {all} certificates");
    }
}
