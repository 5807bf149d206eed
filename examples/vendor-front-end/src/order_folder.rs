use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    str::FromStr,
};

/// The folder that front end and registration office share: on a server's disk, on a stick, in a synchronised directory.
///
/// It has three trays. What lies in a tray is a [`Parcel`] under an [`OrderNumber`]; it appears there whole, by one rename,
/// and never changes. So either side may crash, come later, or look twice.
#[derive(Clone, Debug)]
pub struct OrderFolder {
    root: PathBuf,
}

/// A part of the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tray {
    /// From holders to the office.
    Orders,
    /// From the office to holders: certificates, or a refusal.
    Answers,
    /// From holders to the office: everything arrived.
    Receipts,
}

impl Tray {
    const ALL: [Self; 3] = [Self::Orders, Self::Answers, Self::Receipts];

    const fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Answers => "answers",
            Self::Receipts => "receipts",
        }
    }
}

/// Text files by name: what is put into a tray at once.
pub type Parcel = BTreeMap<String, String>;

/// Names an order and picks it up: 128 random bits, so that nobody guesses it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderNumber([u8; 16]);

/// Most files that a parcel may hold.
const MOST_FILES: usize = 8;
/// Longest file in bytes.
const LONGEST_FILE: u64 = 32 * 1024;

impl OrderFolder {
    /// Opens the folder, and makes it if need be.
    ///
    /// # Errors
    /// As the disk.
    pub fn open(root: &Path) -> io::Result<Self> {
        for tray in Tray::ALL {
            fs::create_dir_all(root.join(tray.name()))?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts a parcel into a tray: all of it or nothing. The same parcel again is no error and changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] when another parcel lies there under this number; else as the disk.
    pub fn put(&self, tray: Tray, number: OrderNumber, parcel: &Parcel) -> io::Result<()> {
        // What begins with a dot is not looked at by the other side.
        let unfinished = tempfile::Builder::new().prefix(".").tempdir_in(self.root.join(tray.name()))?;
        for (name, text) in parcel {
            let mut file = File::create_new(unfinished.path().join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        match fs::rename(unfinished.path(), self.place(tray, number)) {
            Ok(()) => {
                // It has its new name: there is nothing left to clean up under the old one.
                let _ = unfinished.keep();
                Ok(())
            }
            Err(error) => match self.take(tray, number)? {
                Some(there) if there == *parcel => Ok(()),
                Some(_) => Err(io::Error::new(ErrorKind::AlreadyExists, format!("order {number:.8}… is another one"))),
                None => Err(error),
            },
        }
    }

    /// Reads a parcel; `None` when there is none under this number. Whoever can write into the folder could have put
    /// anything there, so no more is read than a sound parcel has.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when it is too large, or holds something else than text files; else as the disk.
    pub fn take(&self, tray: Tray, number: OrderNumber) -> io::Result<Option<Parcel>> {
        let files = match fs::read_dir(self.place(tray, number)) {
            // A tray that is not there is no empty tray: the stick was pulled out.
            Err(error) if error.kind() == ErrorKind::NotFound && self.root.join(tray.name()).is_dir() => {
                return Ok(None);
            }
            files => files?,
        };
        let mut parcel = Parcel::new();
        for file in files {
            let file = file?;
            let name = file.file_name().into_string().map_err(|_| unsound("a name that is no text"))?;
            if parcel.len() == MOST_FILES || !file.file_type()?.is_file() {
                return Err(unsound("more than a few files"));
            }
            parcel.insert(name, read(&file.path())?);
        }
        Ok(Some(parcel))
    }

    /// The numbers of the parcels in a tray, in order.
    ///
    /// # Errors
    /// As the disk.
    pub fn numbers(&self, tray: Tray) -> io::Result<Vec<OrderNumber>> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(self.root.join(tray.name()))? {
            numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<OrderNumber>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn place(&self, tray: Tray, number: OrderNumber) -> PathBuf {
        self.root.join(tray.name()).join(number.to_string())
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(unsound("a file that is too long"));
    }
    String::from_utf8(bytes).map_err(|_| unsound("a file that is no text"))
}

fn unsound(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the parcel holds {what}"))
}

impl OrderNumber {
    /// From random bytes.
    #[must_use]
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// From the bytes of [`as_bytes`](Self::as_bytes); `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }
}

/// 32 hexadecimal digits. Whoever has them all can pick up, so lists and logs show the first eight: `{:.8}`.
impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl fmt::Debug for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrderNumber(..)")
    }
}

impl FromStr for OrderNumber {
    type Err = NotANumber;

    fn from_str(text: &str) -> Result<Self, NotANumber> {
        let value = u128::from_str_radix(text, 16).map_err(|_| NotANumber)?;
        let number = Self(value.to_be_bytes());
        // One number has one spelling, so that it has one place in the folder.
        if number.to_string() == text { Ok(number) } else { Err(NotANumber) }
    }
}

/// A text that is no order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order number has 32 hexadecimal digits")]
pub struct NotANumber;

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: OrderNumber = OrderNumber::from_random([7; 16]);

    fn folder() -> (tempfile::TempDir, OrderFolder) {
        let directory = tempfile::tempdir().unwrap();
        let folder = OrderFolder::open(&directory.path().join("shared")).unwrap();
        (directory, folder)
    }

    fn parcel(text: &str) -> Parcel {
        Parcel::from([("a.txt".into(), text.into())])
    }

    #[test]
    fn a_parcel_appears_whole_and_once() {
        let (_directory, folder) = folder();
        assert_eq!(folder.take(Tray::Orders, NUMBER).unwrap(), None);
        folder.put(Tray::Orders, NUMBER, &parcel("one")).unwrap();
        folder.put(Tray::Orders, NUMBER, &parcel("one")).unwrap();
        let other = folder.put(Tray::Orders, NUMBER, &parcel("two")).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::AlreadyExists);
        assert_eq!(folder.take(Tray::Orders, NUMBER).unwrap(), Some(parcel("one")));
        assert_eq!(folder.numbers(Tray::Orders).unwrap(), [NUMBER]);
        assert_eq!(fs::read_dir(folder.root().join("orders")).unwrap().count(), 1, "nothing unfinished stays");
    }

    #[test]
    fn what_is_no_parcel_is_not_read() {
        let (_directory, folder) = folder();
        let place = folder.root().join("orders").join(NUMBER.to_string());
        fs::create_dir(&place).unwrap();
        let kind = |folder: &OrderFolder| folder.take(Tray::Orders, NUMBER).unwrap_err().kind();
        fs::write(place.join("a.txt"), vec![b'a'; LONGEST_FILE as usize + 1]).unwrap();
        assert_eq!(kind(&folder), ErrorKind::InvalidData);
        fs::write(place.join("a.txt"), [0xff]).unwrap();
        assert_eq!(kind(&folder), ErrorKind::InvalidData);
        fs::remove_file(place.join("a.txt")).unwrap();
        fs::create_dir(place.join("deep")).unwrap();
        assert_eq!(kind(&folder), ErrorKind::InvalidData);
        fs::remove_dir(place.join("deep")).unwrap();
        for index in 0..=MOST_FILES {
            fs::write(place.join(index.to_string()), "").unwrap();
        }
        assert_eq!(kind(&folder), ErrorKind::InvalidData);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_device_without_end_is_not_followed() {
        let (_directory, folder) = folder();
        let place = folder.root().join("orders").join(NUMBER.to_string());
        fs::create_dir(&place).unwrap();
        std::os::unix::fs::symlink("/dev/zero", place.join("a.txt")).unwrap();
        assert_eq!(folder.take(Tray::Orders, NUMBER).unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_number_has_one_spelling() {
        let text = NUMBER.to_string();
        assert_eq!(text.parse(), Ok(NUMBER));
        for bad in ["", "7", "..", &text[1..], &format!("{text}0"), &"AB".repeat(16), &format!("+{}", &text[1..])] {
            assert_eq!(bad.parse::<OrderNumber>(), Err(NotANumber), "{bad}");
        }
    }
}
