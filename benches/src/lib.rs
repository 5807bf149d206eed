//! Benchmarks of the hot paths beside their peers: one file in `benches/` for each subject. The library is empty, so that
//! nothing but the benchmarks depends on what they compare with.
