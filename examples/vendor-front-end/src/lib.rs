//! A vendor's front end: own prompts, own house CA.
