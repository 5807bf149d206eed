//! Runs a renewal for real: the blocking runner, HTTPS, the journal file and the seams for prompts and CAs.
