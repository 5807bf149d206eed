//! The Obnova card applet in software, with real keys and scripted faults.
