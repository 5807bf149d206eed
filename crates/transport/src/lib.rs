//! One method to talk to a card, and decorators around it: trace, record, replay, faults.
