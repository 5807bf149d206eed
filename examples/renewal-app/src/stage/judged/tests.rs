//! The world is broken in one way after the other, and the rules that are broken by it turn red: those, and no others.

mod activation;
mod careless;
mod partner;
mod twins;
