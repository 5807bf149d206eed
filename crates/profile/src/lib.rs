//! The Obnova card applet profile: identifiers, files, passwords, slots, commands and life cycle.
