### `revoke`: a certificate that ends before its time.

revoke-what = The certificate with the serial number { $serial } will be revoked.
revoke-for-good = It is not valid from that moment on, and never again: nobody can take that back.
revoke-done = { $serial } is revoked. The CA writes to you about it.
error-revoke-refused = The CA did not revoke it: { $text } ({ $rule })
error-revoke-no-login = No certificate on this card can log in. If the card is lost or its certificates ended, use --without-card: the revocation password alone may be enough.

help-revoke = Revoke a certificate, with its revocation password.
help-revoke-more = You log in with the card; any valid certificate of yours will do. With --without-card the revocation password alone has to be enough, if the CA allows that. Which serial number a certificate has, `obnova card show` tells, and the mail about it.
help-revoke-after =
    Examples:
      obnova revoke 01A5F0... --why superseded --ca https://ca.example --trust ca.pem
      obnova revoke 01A5F0... --why key-compromise --without-card --ca https://ca.example --trust ca.pem
help-arg-revoked = Serial number of the certificate, in hexadecimal digits
help-arg-why = Why
help-arg-without_card = The card is lost: the revocation password speaks alone
