//! ISO 7816-4 command and response APDUs, BER-TLV and the exchange machine.
