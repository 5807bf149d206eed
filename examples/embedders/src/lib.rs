#![doc = include_str!("../README.md")]

mod desk;

pub use desk::{Desk, Holder, Place, Server};
