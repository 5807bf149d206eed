//! Certificate enrollment protocols without I/O: CMC Full PKI messages and EST.
