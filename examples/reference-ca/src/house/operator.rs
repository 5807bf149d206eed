//! The token that an operator shows to the server.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::Path,
};

use aws_lc_rs::{
    digest::{SHA256, SHA256_OUTPUT_LEN, digest},
    rand,
};
use subtle::ConstantTimeEq as _;
use zeroize::{ZeroizeOnDrop, Zeroizing};

/// Who has the file `operator.token` may take an operator's steps over the network. Its hash, which tells it and gives nobody anything:
/// a server keeps this as long as it runs.
pub(crate) struct OperatorToken(Zeroizing<[u8; SHA256_OUTPUT_LEN]>);

/// Random bytes, each two digits.
const SIZE: usize = 32;

impl ZeroizeOnDrop for OperatorToken {}

impl OperatorToken {
    /// Reads it; or makes it, all of it or nothing, where there is none.
    pub(super) fn load_or_make(path: &Path) -> io::Result<Self> {
        match Self::load(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::make(path)?;
                Self::load(path)
            }
            read => read,
        }
    }

    fn load(path: &Path) -> io::Result<Self> {
        let file = fs::File::open(path)?;
        #[cfg(unix)]
        if std::os::unix::fs::PermissionsExt::mode(&file.metadata()?.permissions()) & 0o077 != 0 {
            return Err(io::Error::other("others may have read it: remove it, and a new one is made"));
        }
        let mut text = Zeroizing::new(String::with_capacity(2 * SIZE + 2));
        file.take(2 * SIZE as u64 + 1).read_to_string(&mut text)?;
        let end = text.trim_end().len();
        text.truncate(end);
        let sound = text.len() == 2 * SIZE && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if sound {
            Ok(Self::of(&text))
        } else {
            Err(io::Error::other("it is no token: remove it, and a new one is made"))
        }
    }

    fn make(path: &Path) -> io::Result<()> {
        let mut bytes = Zeroizing::new([0; SIZE]);
        rand::fill(bytes.as_mut_slice()).map_err(|_| io::Error::other("there are no random numbers"))?;
        let mut text = Zeroizing::new(String::with_capacity(2 * SIZE + 1));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
            }
        }
        text.push('\n');
        // Its mode is 0600.
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            // Another process made it a moment ago.
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map(drop).map_err(|error| error.error),
        }
    }

    /// Whether this is it, in constant time.
    pub(crate) fn is(&self, shown: &str) -> bool {
        self.0.ct_eq(&*Self::of(shown).0).into()
    }

    fn of(text: &str) -> Self {
        let mut hash = Zeroizing::new([0; SHA256_OUTPUT_LEN]);
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    #[test]
    fn it_is_not_shown_copied_or_compared_otherwise_and_wiped() {
        assert_not_impl_any!(OperatorToken: Debug, Display, PartialEq, Clone);
        assert_impl_all!(OperatorToken: ZeroizeOnDrop);
        fn wiped(_: &impl ZeroizeOnDrop) {}
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("operator.token");
        let token = OperatorToken::load_or_make(&path).unwrap();
        wiped(&token.0);
        let text = fs::read_to_string(path).unwrap();
        let text = text.trim();
        assert!(token.is(text) && !token.is(&text[1..]) && !token.is(""));
    }
}
