### `scenario`: the rules of the services, in words.

scenario-broken = { $count ->
        [one] One rule of the service is
       *[other] { $count } rules of the service are
    } broken.
scenario-rule = { $id }: { $rule }
rule-not-installed = Not looked at: what it takes is not installed here (Debian: opensc-pkcs11, libnss3-tools).

rule-twins-one-year = Each new certificate is valid as long as the service says: a year for the twins.
rule-twins-notice-three-weeks = A notice goes out for the first time on the day that the service says, once: three weeks before the end for the twins.
rule-twins-notice-one-week = The last notice goes out on the day that the service says, once: one week before the end for the twins.
rule-twins-notice-address = Notices go to the address that stands in the certificate.
rule-twins-notice-link = The link in a notice begins the renewal, once; looking at it uses nothing up.
rule-twins-check-first = A computer check comes before everything else, and finds reader, card and both certificates.
rule-twins-check-advice = Each line of the check that fails says what to do.
rule-twins-key-store = Where one pair can be meant it is taken without a question; of two none is guessed.
rule-twins-subject-client = The holder's data are not edited on the way, and a certificate in another name is not taken.
rule-twins-subject-ca = A client that asks for other data is refused.
rule-twins-pin-new-keys = The PIN is asked for to put new keys on the card, and the reason is shown.
rule-twins-pin-requests = The PIN is asked for once more to sign and send both requests, and the reason is shown.
rule-twins-requested-client = Both certificates are asked for in one order; where one is missing nothing is begun.
rule-twins-requested-ca = A client that asks for one of the two is refused.
rule-twins-vouched-client = Both old keys sign the order.
rule-twins-vouched-ca = An order that both old keys of one holder did not sign is refused.
rule-twins-accepted = "Accepted" is an answer of its own; certificates are issued later.
rule-twins-resume-journal = Who closed the window goes on from the journal, and nothing is done twice.
rule-twins-resume-link = On another computer the card and the link are enough.
rule-twins-resume-files = On another computer the card and the mailed files are enough.
rule-twins-waiting = Waiting and picking up take neither card nor PIN.
rule-twins-single-use = The pick-up is used up once the certificates are on the card.
rule-twins-one-brings-other = Whichever of the two is picked up first, the other comes with it.
rule-twins-installed = Both new certificates are on the card.
rule-twins-installed-torn = Where power is lost while they are written both are there or none, and the old pair works.
rule-twins-installed-half = One certificate without the other is not put on the card.
rule-twins-old-stays = The old pair stays on the card, marked as superseded.
rule-twins-holder-removes = Nobody but the holder removes the old pair.
rule-twins-registered = The new pair is registered where programs look for it.
rule-twins-login = A login with the new authentication certificate is the proof.
rule-twins-diagnosis = When a step fails there is a diagnosis for a help desk, with no PIN, and nothing personal but what the certificates say.

rule-activation-registration = Who wants a card registers by a form, and confirms the address by a mailed link.
rule-activation-correction = Data can be corrected until the identity was checked, and not after that.
rule-activation-identity = The holder's identity is checked.
rule-activation-contract = A contract is made, and the card is paid.
rule-activation-transport-pin-page = The transport PIN is shown once, on a page behind a mailed link, after the identity was checked.
rule-activation-arrived = The card is handed over with keys and certificates, and with no PIN or PUK but a transport PIN.
rule-activation-unused-client = Before it is activated the driver uses no key.
rule-activation-unused-card = Before it is activated the card lets nobody use a key, whatever is sent to it.
rule-activation-checked-first = The new PINs and the PUK are checked before the card is touched.
rule-activation-activated = The transport PIN and the holder's own PINs and PUK bring the card to life.
rule-activation-torn = Where power is lost meanwhile the same is done once more, and the card comes to life.
rule-activation-transport-pin-dead-client = After that the transport PIN is asked for nowhere.
rule-activation-transport-pin-dead-card = After that the card takes the transport PIN for nothing.
rule-activation-puk-sets-pin = Where a PIN is blocked the PUK sets another one.
rule-activation-puk-blocked-client = Where the PUK is blocked too it is said that this is the end, and nothing that cannot help is offered.
rule-activation-puk-blocked-card = Where the PUK is blocked the card takes it from nobody.
rule-activation-tries-shown = The tries that are left are shown before one is spent.
rule-activation-last-try = The last try is never spent without a clear yes.

rule-partner-password-ca = The first certificate takes the user id and the one-time password: a client with another password is refused.
rule-partner-password-days-ca = The one-time password lives for 21 days.
rule-partner-password-once-ca = The one-time password works once.
rule-partner-password-again-ca = The one-time password can be issued again; then the old one is dead.
rule-partner-module-ca = A one-time password belongs to one module of the service.
rule-partner-other-names-ca = The CA knows who the holder is: a client that asks for other data is refused.
rule-partner-revocation-password-client = The holder picks a revocation password, and types it twice.
rule-partner-revocation-password-sealed = The revocation password is known to the CA by what is checked with it, and stands nowhere.
rule-partner-key-on-card = The key is made on the card.
rule-partner-waits = Who waits needs to do nothing: it finishes by itself when the certificate is there.
rule-partner-link = Who does not wait picks the certificate up later, by a link.
rule-partner-login = The holder logs in with certificate and PIN.
rule-partner-list = The content of the card is listed, and how long that takes is measured.
rule-partner-registered = The certificates of the holder and of the issuers are registered where programs look for them.
rule-partner-pin-change = The PIN is changed by the old one, and the new one twice.
rule-partner-renewal = While the certificate is valid it speaks for its holder: a renewal takes no one-time password.
rule-partner-expired-client = After its end no renewal is begun.
rule-partner-expired-ca = After its end a client that renews all the same is refused.
rule-partner-begins-again = Whoever let it expire begins again, with a new one-time password.
rule-partner-revoked-at-once = What the operator revokes stops working at once.
rule-partner-revoked-by-holder = The holder who is logged in revokes with the revocation password.
rule-partner-revoked-by-password = Who has lost the card revokes with the revocation password alone, where the service allows it.
rule-partner-revoked-mail = A mail says that a certificate was revoked.
