//! BER-TLV data objects (ISO 7816-4:2013 §5.2.2; lengths as in ISO 8825-1 §8.1.3, definite form only).
//!
//! * [`Reader`] iterates over the objects of one level, [`Walk`] over all of them, depth first, to a depth that you set;
//!   neither allocates nor recurses, so no input can overflow the stack. [`find`] follows a path of tags.
//! * [`Writer`] writes objects into a buffer of yours, [`VecWriter`] into a vector.
//!
//! Lengths that are longer than necessary are accepted, since cards send them; tags too, up to four bytes. Indefinite
//! lengths and lengths of more than four bytes are errors.
//!
//! ```
//! use obnova_apdu::tlv::{self, Reader, Tag, Writer};
//!
//! const FCP: Tag = Tag::new(0x62);
//! const FILE_ID: Tag = Tag::new(0x83);
//!
//! let mut buffer = [0; 16];
//! let mut writer = Writer::new(&mut buffer);
//! writer.constructed(FCP, |fcp| fcp.primitive(FILE_ID, &[0x50, 0x31]))?;
//! let bytes = writer.finish();
//! assert_eq!(bytes, [0x62, 0x04, 0x83, 0x02, 0x50, 0x31]);
//!
//! let id = tlv::find(bytes, &[FCP, FILE_ID])?.map(|object| object.value);
//! assert_eq!(id, Some(&[0x50, 0x31][..]));
//! # Ok::<(), tlv::TlvError>(())
//! ```

mod error;
mod header;
mod reader;
mod tag;
#[cfg(feature = "alloc")]
mod vec_writer;
mod walk;
mod writer;

pub use error::TlvError;
pub use reader::{Reader, Tlv, find};
pub use tag::{Tag, TagClass};
#[cfg(feature = "alloc")]
pub use vec_writer::VecWriter;
pub use walk::{Node, Walk};
pub use writer::Writer;
