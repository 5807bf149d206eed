//! SoftHSM in a process of its own, as a token is a device of its own: p11-kit serves it at a socket, and p11-kit's client is
//! the module that asks there.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Where the client asks, by this name in the environment.
pub const ADDRESS: &str = "P11_KIT_SERVER_ADDRESS";
const MISSING: &str = "p11-kit is missing: apt-get install -y --no-install-recommends p11-kit p11-kit-modules";

pub struct Apart(Child);

impl Apart {
    /// Serves the token with this label, of the SoftHSM with this configuration; returns the address too (`unix:path=…`).
    pub fn serve(folder: &Path, configuration: &Path, label: &str) -> (Self, String) {
        let mut server = Command::new("p11-kit")
            .args(["server", "--foreground", "--sh", "--provider", MODULE, &format!("pkcs11:token={label}")])
            .env("SOFTHSM2_CONF", configuration)
            .env("XDG_RUNTIME_DIR", folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect(MISSING);
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        // NAME=unix:path=…; export NAME;
        let address = line.split_once('=').unwrap().1.split(';').next().unwrap().to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        (Self(server), address)
    }

    /// The module that asks it.
    pub fn client() -> PathBuf {
        let places = std::fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
        places.map(|place| place.join("pkcs11/p11-kit-client.so")).find(|client| client.exists()).expect(MISSING)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
