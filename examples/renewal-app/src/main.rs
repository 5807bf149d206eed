//! obnova
fn main() {}
