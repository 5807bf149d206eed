//! PKCS#10 certification requests whose private key is elsewhere: bytes to sign out, signature in.
