#![allow(clippy::unwrap_used, dead_code)]

use std::{collections::VecDeque, fs, path::PathBuf, time::SystemTime};

use obnova_client::{CaConnection, Turn, look, renewal::SlotView};
use obnova_vendor_front_end::{
    OrderNumber, Tray, Trouble,
    demo::{Pocket, Scene},
};

/// A scene in a directory that goes when it goes, and everything that was shown.
pub struct Play {
    pub scene: Scene,
    pub shown: Vec<u8>,
    pub directory: tempfile::TempDir,
}

impl Play {
    pub fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { scene: Scene::set(directory.path()).unwrap(), shown: Vec::new(), directory }
    }

    /// The holder opens a window, presses the button, and closes it when nothing more happens.
    pub fn renew(&mut self) -> Result<Turn, Trouble> {
        self.renew_with(&mut self.scene.connection(), &[])
    }

    pub fn renew_with(&mut self, ca: &mut dyn CaConnection, slips: &[&'static str]) -> Result<Turn, Trouble> {
        let mut holder = Pocket { slips: VecDeque::from(slips.to_vec()) };
        self.scene.at_the_window(ca, &mut holder, &mut self.shown, |front_end| front_end.renew())
    }

    /// The office goes through its folder, an officer approves what waits, and it goes through it again.
    pub fn office_day(&mut self) {
        self.scene.office_hour(&mut self.shown).unwrap();
        for number in self.scene.office.waiting().unwrap() {
            self.scene.office.approve(number, SystemTime::now()).unwrap();
        }
        self.scene.office_hour(&mut self.shown).unwrap();
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.shown.clone()).unwrap()
    }

    /// The same without frames and line ends: what is said may be broken into lines anywhere.
    pub fn flat(&self) -> String {
        self.text().replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The only order in the folder, and where it lies.
    pub fn order(&self) -> (OrderNumber, PathBuf) {
        let number = self.scene.folder.numbers(Tray::Orders).unwrap()[0];
        (number, self.scene.folder.root().join("orders").join(number.to_string()))
    }

    pub fn answer_files(&self, number: OrderNumber) -> Vec<String> {
        let answer = self.scene.folder.take(Tray::Answers, number).unwrap();
        answer.map(|parcel| parcel.into_keys().collect()).unwrap_or_default()
    }

    /// The slots of the card that hold anything.
    pub fn slots(&self) -> Vec<SlotView> {
        let view = look(self.scene.token.lock().unwrap().as_mut()).unwrap();
        view.slots.into_iter().filter(|slot| !slot.is_empty()).collect()
    }

    /// The first pair, as it was.
    pub fn old_pair_is_untouched(&self) -> bool {
        let old = &self.slots()[..2];
        old.iter().all(|slot| matches!(slot.certificates.as_slice(), [entry] if !entry.superseded && entry.fits_key))
    }
}

/// Every file below a directory.
pub fn files(directory: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
