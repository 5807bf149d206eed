### `revoke`: a certificate that ends before its time.

revoke-what = The certificate with the serial number { $serial } will be revoked.
revoke-for-good = It is not valid from that moment on, and never again: nobody can take that back.
revoke-same-key = With it ends { $serial }, on this card, which has the same key: { $name }, valid until { $until }.
revoke-same-key-all = Every other certificate with the same key ends too, wherever it is: who may use the key of one may use the key of all.
revoke-ordered-with-key = If anything was ordered with this key that has another one, as by a renewal, it does not end: whoever had the key may have ordered too. Ask the issuer which certificates those are, and have the ones revoked that are not yours.
revoke-half = With it goes the renewal of { $serial }, the { $role } certificate on this card: the two are renewed together or not at all. It stays valid until { $until }; ask the issuer for new ones, and revoke it too if it is not to be used.
revoke-same-key-done = { $serial }, which has the same key, is revoked too.
revoke-same-key-open = { $serial }, which has the same key, is not known to have ended: { $problem }
revoke-same-key-instead = whoever asks is told that it is { $instead } ({ $place })
revoke-password-beside = This service wants the revocation password too. Where the certificate has none, press Enter.
error-revoke-same-key = The certificate that was named is revoked, and these with the same key are not known to be: { $serials }. Revoke each of them too, for the same reason: what has ended by then is told as revoked already.
revoke-own-key = Its own key is on this card and speaks for it.
revoke-password-too = This issuer wants the revocation password too.
revoke-another-key = Its key is not on this card: another certificate of yours speaks for you, with the revocation password.
revoke-unknown-key = It is not on this card: another certificate of yours speaks for you, with the revocation password. If its key is here with another certificate, name its file in place of its number: then its own key speaks for it.
revoke-several = { $count ->
        [0] there is no certificate in it
       *[other] there are { $count } certificates in it
    }
revoke-done = { $serial } is revoked. The CA writes to you about it.
revoke-already = { $serial } was already revoked, since { $since }. Nothing was changed.
revoke-confirmed-by-ocsp = Whoever asks is told so (OCSP, { $place }): since { $since }, { $reason }.
revoke-confirmed-by-crl = Whoever reads the CA's list finds it there (CRL, { $place }): since { $since }, { $reason }.
error-revoke-refused = The CA did not revoke it: { $text } ({ $rule }). Do as it says, or ask the issuer.
error-revoke-not-known = The CA did not revoke it: { $text } ({ $rule }). It does not know the certificate, as whoever asks is told ({ $place }): look at the serial number again. If that is right, call the CA, and give its operator the file of the certificate (obnova export): what it has issued it can revoke by that.
error-revoke-reason = Holders of this service may not give the reason { $given }, and the CA was not asked ({ $rule }). Give one that they may with --why: { $taken }.
error-revoke-password-alone = The revocation password alone is not enough for this service, and the CA was not asked ({ $rule }). Leave out --without-card, with a card of yours that has a valid certificate in the reader, or ask the issuer to revoke it.
error-revoke-undecided = The CA has not decided yet whether it revokes the certificate. Run the same command again later, or ask the CA.
error-revoke-contradicted = The CA says that it is revoked, and everybody who asks is told that it is { $instead } ({ $place }). Do not rely on it: run the same command again, and if this stays, call the CA.
error-revoke-unconfirmed = The CA says that { $serial } is revoked, and signed that. Whether everybody who asks is told so could not be found out: { $problems }. Run the same command again later: it changes nothing, and asks once more. If this stays, call the CA.
error-revoke-not-taken = { $serial } had ended before, for another reason ({ $reason }), and the CA keeps to that: nobody is told that others may have its key. Call the CA, and revoke whatever else has the same key.
error-revoke-not-told = The CA says that { $serial } is revoked, and signed that; but whoever asks is told of another reason ({ $reason }), and not that others may have its key. Run the same command again later: it changes nothing, and asks once more. If this stays, call the CA.
error-revoke-ca = The certificate is not known to be revoked: run the same command again then. It is revoked once, however often that is asked for.
error-revoke-no-signer = No key on this card can speak for it. If the card is lost or its certificates ended, use --without-card: the revocation password alone may be enough.
error-revoke-password-too = Its own key is not enough: this issuer wants the revocation password too: give it (--revocation-password-file or --revocation-password-fd).
error-revoke-password-needed = No key on this card is known to be its own: give the revocation password (--revocation-password-file or --revocation-password-fd).
error-revoke-serial = This is no serial number: give 1 to 40 hexadecimal digits.
error-revoke-named = { $named } is neither a serial number (1 to 40 hexadecimal digits) nor the file of one certificate ({ $problem }). Look at the number again ("obnova card show" tells it), or name the file of the certificate.
error-revoke-issuer = The certificate of the CA cannot be used ({ $problem }): name another one with --trust.
error-revoke-not-of-issuer = The certificate with that number was not issued by this CA: check --ca and --trust.

help-revoke = Revoke a certificate: by its own key, or with its revocation password.
help-revoke-more = Where the certificate's key is on the card, it signs that the certificate is to end; a certificate that was removed from there is known by its file (obnova export, or as it was mailed), or by the journal here. Otherwise any other valid certificate of yours on the card signs, and the revocation password has to be right too. With --without-card the revocation password alone has to be enough, if the CA allows that. Afterwards the CA is asked what it tells everybody (OCSP, or else its list): exit code 10 says that this could not be found out. With the reason key-compromise every certificate with the same key ends: those on the card are named before you agree, and each is asked about afterwards (exit code 10: one is not known to have ended). A service that wants the revocation password beside the own key is named with --service or --policy: then both are asked for at once. The command may be run again at any time: a certificate is revoked once; of one that had ended for another reason, key-compromise is told to the CA all the same, since it concerns whatever else has its key. Which serial number a certificate has, `obnova card show` tells, and the mail about it.
help-revoke-after =
    Examples:
      obnova revoke 01A5F0... --why superseded --ca https://ca.example --trust ca.pem
      obnova revoke old.pem --why superseded --ca https://ca.example --trust ca.pem
      obnova revoke 01A5F0... --why key-compromise --without-card --ca https://ca.example --trust ca.pem
help-arg-revoked = Serial number of the certificate, in hexadecimal digits, or its file
help-arg-why = Why
help-arg-without_card = The card is lost: the revocation password speaks alone

### `revocation-password`: the password that ends a certificate.

revocation-password-set = The revocation password is set. Keep it where you find it without the card. The CA writes to you about it.
revocation-password-of = It ends the certificate with the serial number { $serial }.
revocation-password-not-noted = That it is set could not be noted here ({ $problem }): "obnova doctor" may say that there is none.
revocation-password-none = The certificate of { $holder }, or one that it renews, came by plain EST, and no revocation password was set from here since: without one nobody but the issuer ends it when the card is lost. Set one: obnova revocation-password
error-no-revocation-password = This service has no revocation passwords: revoke with the card, or ask the issuer.
error-revocation-password-no-login = The card has no valid certificate of this issuer to log in with. Check --ca and --trust, or ask the issuer for a revocation password.
error-revocation-password-ca = The revocation password is not known to be set: run the same command again then, with the same one. It is set once, however often that is asked for.
error-revocation-password-wrong = If you asked for the same before and no answer came, it may be done: then the new one stands. Run the command again, and give the new one as the one that is set now.
error-revocation-password-refused = The CA did not set it: { $text } ({ $rule }). Do as it says, or ask the issuer.

help-revocation-password = Set the revocation password of the certificate on the card, or another one in its place.
help-revocation-password-more = For who ordered by plain EST, which has no place for it. The password is picked by the rules of the service, typed twice, and travels encrypted to the CA inside a login with the card. It ends the certificate that you log in with, those that were issued with it, and those that renew them. Where one is set already, it is asked for too; who forgot it asks the issuer for another one. The command may be run again at any time: the same password is set once.
help-revocation-password-after =
    Example:
      obnova revocation-password --service partner --ca https://ca.example --trust ca.pem
help-arg-old_revocation_password_fd = Read the revocation password that is set now from this file descriptor
help-arg-old_revocation_password_file = Read the revocation password that is set now from this file
