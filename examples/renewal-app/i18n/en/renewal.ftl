### A renewal: what it is for, why not, what the PIN is used for, how far it has come.

risk-in-place-only = This card can only replace keys where they are. The old keys are destroyed before the new certificates exist; until those are installed nothing on the card works, and if the issuer refuses, only the issuer can help.

phase-new-keys = to put new keys on the card
phase-requests = to sign and send what is requested
phase-finish = to install what is new and try it

use-make-authentication-key = make the new authentication key
use-make-signature-key = make the new signature key
use-sign-authentication-request = sign the request for the new authentication certificate
use-sign-signature-request = sign the request for the new signature certificate
use-vouch-authentication = vouch for what is requested with the key of the old authentication certificate
use-vouch-signature = vouch for what is requested with the key of the old signature certificate
use-sign-order-authentication = sign the order with the authentication key
use-sign-order-signature = sign the order with the signature key
use-order-over-login = log in to the issuer with the old certificate, each time that it is asked
use-install = put the new certificates on the card
use-login = log in with the new authentication certificate
use-test-signature = make a test signature with the key of the new signature certificate
use-see-left-overs = see what interruptions left, which the token hides
use-remove = remove what you confirmed
use-repair = repair the card's list of what it holds
use-revoke = sign that the certificate is to end
use-receipt = sign for the CA that the new certificates are on the card
use-set-password = log in, to set the revocation password

reason-not-active = The card is not active: activate it first (obnova card activate).
reason-card-finished = The card is finished: it was never activated, and its { $name } has no try left. Ask the issuer for a new card.
reason-pin-dead = The { $name } is blocked, and no PUK unblocks it any more. Ask the issuer for a new card.
reason-pin-not-set = The { $name } was never set: set it first, or ask the issuer.
reason-puk-not-taken = The { $name } is blocked, and this program sends no PUK to this card, which is of an old version. Ask the issuer for a newer one.
reason-pin-blocked = The { $name } is blocked: unblock it with the PUK (obnova pin unblock).
reason-no-certificates = There is no certificate with its key on the card: insert the right card, or ask the issuer for a first certificate.
reason-of-other-issuers = No certificate on the card was issued by this CA. Renew what is there at the CA that issued it (--ca and --trust), or order first certificates of this one (obnova first).
reason-broken-certificate = The certificate in slot { $slot } cannot be read, or is for another key: ask the issuer.
reason-only-one-of-two = The { $missing } certificate is missing beside the other one. Both are renewed together, or neither: ask the issuer. Of a service with one certificate only, name it: --service partner, or --policy FILE with the service's own file.
reason-expired = The { $role } certificate expired on { $since }: ask the issuer for a new first certificate.
reason-not-yet-valid = The { $role } certificate is not valid before { $from }: wait, or check the clock of this computer.
reason-not-due = The certificates are valid until { $until }. They can be renewed from { $from } on: come again then.
reason-several-pairs = There are valid certificates of { $pairs } different subjects or issuers on the card, and it is not clear which are meant. Name the CA that issued them (--ca and --trust); where they are all of that CA, ask it.
reason-no-free-slot = { $needed ->
        [one] A new key needs a free slot
       *[other] New keys need { $needed } free slots
    }, and { $free ->
        [0] none is free
        [one] only 1 is free
       *[other] only { $free } are free
    }: remove superseded pairs first (obnova card clean).
reason-one-certificate-only = The card keeps one certificate a key, so it cannot be renewed with the same key. Renew with new keys: leave --same-key out, or take a file of the service that says "re-key".
reason-key-full = The { $role } key has { $most } certificates, and no more fit on it: remove superseded certificates first (obnova card clean), or renew with new keys: leave --same-key out, or take a file of the service that says "re-key".
reason-card-full = The card has no room for another certificate, though there may be free slots on it: remove superseded pairs first (obnova card clean).
reason-algorithm-not-offered = The card makes no { $algorithm } keys: ask the issuer for a newer card.
reason-algorithm-not-taken = The issuer takes no { $algorithm } keys, and there is no other kind that this card makes and that may be taken: ask the issuer.
reason-kept-key-not-taken = The issuer takes no { $kept } keys, and the { $role } key that would be kept is one. Renew with new keys: leave --same-key out, or take a file of the service that says "re-key".
reason-key-not-of-service = For the { $role } certificate the service certifies { $certified } keys, and what this card offers is { $offered }: ask the issuer for another card.
reason-kept-key-not-of-service = For the { $role } certificate the service certifies { $certified } keys, and the key that would be kept is { $kept }. Renew with new keys: leave --same-key out, or take a file of the service that says "re-key".
reason-issuer-against-service = For the { $role } certificate the service certifies { $certified } keys, and the issuer says that it takes { $taken }: none is in both. Ask the issuer.
no-known-keys = none that is known here
reason-not-for-login = This way to the issuer renews over a login, and the { $role } certificate is not for that: leave --plain out, or take a file of the service that says "cmc".
reason-extension-not-ours = The issuer wants the extension { $wanted } in the request, with a value that it must not have: ask the issuer.
reason-one-request-only = This way to the issuer carries one request, and { $count } certificates belong together: leave --plain out, or take a file of the service that says "cmc".
reason-no-place-for-password = This way to the issuer has no place for a revocation password, and the issuer takes no first order without one: leave --plain out, or take a file of the service that says "cmc".
reason-key-cannot-sign = The card offers no signature with the old { $role } key that a CA could check: ask the issuer.

standing-good = The { $role } certificate is not revoked ({ $by }, { $place }).
standing-revoked = The { $role } certificate was revoked on { $since } ({ $reason }; { $place }), and cannot be renewed: ask the issuer for a one-time password, and begin again with "obnova first".
standing-on-hold = The { $role } certificate is on hold since { $since } ({ $place }), and cannot be renewed meanwhile: ask the issuer to end the hold.
standing-never-issued = The issuer says that it never issued the { $role } certificate ({ $place }): do not use it, ask the issuer.
standing-unknown = Nobody who is believed says whether the { $role } certificate is revoked ({ $problems }): the issuer will look when it gets the order.
standing-unknown-stops = Nobody who is believed says whether the { $role } certificate is revoked ({ $problems }), and this service renews nothing before that is known: try again later.

refusal-malformed = What came is not a certificate, or too long for one: have it sent again.
refusal-too-many = { $count } certificates came, more than the { $limit } that are looked at: have them sent again.
refusal-another-key = No certificate that came is for a key of this renewal: it belongs to another card, or to another renewal.
refusal-only-one-of-two = Only one of the two came, the { $missing } certificate is missing. Both are installed together, or neither.
refusal-by-twins = { $refusal } That is so by the service twins, which is taken where none is named. Of any other service, such as one with a single certificate, name it: --service partner, or --policy FILE with the service's own file.
refusal-twice = Two different certificates came for the { $role } key: ask the issuer which one is meant.
refusal-swapped = The certificates are swapped: the authentication key was certified for signatures, and the other way round.
refusal-not-new = The { $role } certificate that came is not a new one: it ends no later than the one for the same key that is on the card. Ask the issuer which of the two is to be used.
refusal-key-full = The { $role } key has { $most } certificates, and no more fit on it. Nothing was put on the card, and nothing is lost: remove superseded certificates (obnova card clean), then do the same once more.
refusal-card-full = The card has no room for another certificate. Nothing was put on the card, and nothing is lost: remove superseded pairs (obnova card clean), then do the same once more.
refusal-no-subject = The new { $role } certificate names nobody: ask the issuer to correct it.
refusal-two-subjects = The two new certificates name different people: ask the issuer to correct them.
refusal-another-subject = The new { $role } certificate names another person than the old one: ask the issuer to correct it.
refusal-other-alt-names = The new { $role } certificate has other alternative names than the old one: ask the issuer to correct it.
refusal-chain = The new { $role } certificate does not lead up to a trusted issuer ({ $problem }).
chain-unknown-issuer = no certificate of its issuer is among the trusted ones
chain-signature = its issuer's key did not sign it
chain-issuer-validity = the certificate of an issuer is not valid now
chain-not-an-issuer = what stands above it may not issue certificates
chain-too-long = more issuers stand above each other than allowed
chain-critical-extension = it has a critical extension that is not understood here
refusal-expired = The new { $role } certificate has expired already: check the clock of this computer, or ask the issuer.
refusal-not-yet-valid = The new { $role } certificate is not valid yet: wait, or check the clock of this computer.
refusal-is-ca = The new { $role } certificate says it is an issuer's: do not use it, and tell the issuer.
refusal-key-usage = The key usage of the new { $role } certificate is wrong: ask the issuer to correct it.
refusal-extended-key-usage = The new { $role } certificate lacks the extended key usage { $missing }: ask the issuer to correct it.
refusal-qc-statement = The new { $role } certificate lacks the statement { $missing } of a qualified certificate: ask the issuer to correct it.

plan-make-key = Make a new { $algorithm } { $role } key in slot { $new }, beside the old one in slot { $old }.
plan-use-key = Go on with the new { $algorithm } { $role } key that waits in slot { $new } since an earlier renewal, beside the old one in slot { $old }.
plan-replace-key = Make a new { $algorithm } { $role } key in slot { $new }, in the place of the old one.
plan-first-key = Make a { $algorithm } { $role } key in slot { $new }, which is empty.
plan-first-use-key = Go on with the { $algorithm } { $role } key that waits in slot { $new } since an earlier order.
plan-keep-key = Keep the { $algorithm } { $role } key in slot { $old }, and put a new certificate beside the old one.
plan-request-first = Ask for the certificates in one request, signed by the new keys, with your user id and one-time password.
plan-confirm = Show you the name that stands in them, and go on only if you agree.
plan-request = Ask for both certificates in one request, signed by their keys and by those of both old certificates.
plan-request-one = Ask for the certificate, in a request that is signed by its key and by that of the old certificate.
plan-request-alone = Ask for both certificates in one request, signed by their keys.
plan-request-plain-first = Ask for the certificate at { $server }, in a request that is signed by its key. Your user id and one-time password go there beside it, inside TLS, each time that it is asked.
plan-request-plain = Ask for the certificate at { $server }, in a request that is signed by its key, over a login with the old certificate.
plan-password-later = This way to the issuer has no place for a revocation password: none is set with this order.
plan-install = When both have arrived and are right: put them on the card, and mark the old pair as superseded.
plan-install-one = When it has arrived and is right: put it on the card, and mark the old one as superseded.
plan-install-first = When everything has arrived and is right: put it on the card.
plan-prove-login = Log in with the new authentication certificate.
plan-prove-signature = Make a test signature with the key of the new signature certificate.
plan-stays = Nothing else on the card is touched, and nothing is removed.
plan-asks = You will be asked for
plan-ask-user = your user id
plan-ask-one-time-password = the one-time password that you were given
plan-ask-revocation-password = a revocation password that you pick, twice
plan-ask-revocation-password-optional = a revocation password that you pick, twice, or none
plan-ask = the { $name }, { $reason }

progress-standing = Asking whether the old certificates are revoked
progress-use-link = Telling the CA that its link begins this renewal
progress-terms = Asking the CA for its certificates
progress-key = The card makes an { $algorithm } key
progress-sign = The card signs
progress-send = Sending the order
progress-pick-up = Asking the CA for the certificates
progress-install = Writing to the card
progress-login = Logging in
progress-wait = Waiting for the CA; the window may be closed
progress-away = The CA gives no answer now ({ $problem }). It is asked again, less and less often; close the window if you do not want to wait, and go on later with "{ $command }".
away-unreachable = it cannot be reached: { $problem }
away-timeout = it took too long
away-status = HTTP status { $status }
away-too-often = it was asked too often
away-busy = it is busy or being worked on

fact-link-used = The link in the mail begins this renewal, and no other any more.
fact-terms = The CA gave its certificates; the trusted one is { $name }.
fact-authentication-key = The new authentication key is on the card; it never leaves it.
fact-signature-key = The new signature key is on the card; it never leaves it.
fact-requested = PKCS#10 request for the { $role } certificate: signed by its key, { $bytes } bytes.
fact-vouched = The key of the old { $role } certificate vouches for what is requested.
fact-signed-order = The { $role } key signs the order.
fact-sealed-first = One CMC transaction holds the requests and the proof that the one-time password is known, not the password itself: { $bytes } bytes.
fact-sealed-plain-first = The order is that request. The one-time password is no part of it, and no proof of it either: it goes to { $server } itself, beside the order, inside TLS.
fact-sealed-plain = The order is that request. It goes to { $server } over a login with the old certificate.
fact-installed-first = What is new is on the card and was read back.
fact-sealed = One CMC transaction holds what is requested and the signatures that vouch: { $bytes } bytes.
fact-pending = Accepted, pending: the CA issues later. Waiting needs no card and no PIN.
fact-pending-plain-first = Accepted, pending: the CA issues later. Waiting needs no card and no PIN; but whoever goes on later types the one-time password again, and the user id if it was typed.
fact-pending-plain = Accepted, pending: the CA issues later. It is asked again over a login with the old certificate, which takes the card and its PIN.
fact-arrived = { $count ->
        [one] The certificate came with the answer, and was checked: right key, right person, trusted issuer, right use.
       *[other] The certificates came with the answer, and were checked: right keys, right person, trusted issuer, right use.
    }
fact-picked-up = { $count ->
        [one] The certificate was picked up without card or PIN, and checked: right key, right person, trusted issuer, right use.
       *[other] The certificates were picked up without card or PIN, and checked: right keys, right person, trusted issuer, right use.
    }
fact-picked-up-plain-first = { $count ->
        [one] The certificate was picked up with your user id and one-time password, and checked: right key, right person, trusted issuer, right use.
       *[other] The certificates were picked up with your user id and one-time password, and checked: right keys, right person, trusted issuer, right use.
    }
fact-picked-up-plain = { $count ->
        [one] The certificate was picked up over a login with the old certificate, and checked: right key, right person, trusted issuer, right use.
       *[other] The certificates were picked up over a login with the old certificate, and checked: right keys, right person, trusted issuer, right use.
    }
fact-files = The certificates that came by mail were checked: right keys, right person, trusted issuer, right use.
fact-installed = Both are on the card and were read back; the old pair is marked as superseded.
fact-installed-one = It is on the card and was read back; the old one is marked as superseded.
fact-installed-beside = What is new is on the card and was read back; what is old is beside it.
fact-installed-already = What came is on the card already; nothing was written.
fact-link-closed = { $total ->
        [one] The CA knows that they are on the card; the link opens nothing any more.
       *[other] The CA knows that they are on the card; the link opens nothing any more (number { $number } of { $total }).
    }
fact-link-for-others = { $total ->
        [one] The link brought nothing that belongs on this card. It was not used up: keep it.
       *[other] Link number { $number } of { $total } brought nothing that belongs on this card. It was not used up: keep it.
    }
fact-link-spent = { $total ->
        [one] The link was used up when its certificates were put on a card. What else was given is looked at.
       *[other] Link number { $number } of { $total } was used up when its certificates were put on a card. What else was given is looked at.
    }
fact-link-stays = The CA was not told that they are on the card, for none was named: a link that it mailed stays open, and who has that mail can read the certificates by it (without the card they are of no use). The same command with --ca and --trust tells it, and closes the link.
fact-received = The CA knows that they are on the card; a link that it mailed opens nothing any more.
fact-not-received = The CA was not told that they are on the card: { $problem } A link that it mailed stays open as long as the CA has it so.
fact-link-not-taken = The CA takes no receipt for this link (HTTP status { $status }): it stays open as long as the CA has it so.
fact-login-not-asked = No login was made: this service asks for none.
fact-login-nothing = No login was made: there is no certificate for logging in among them.
fact-login-nowhere = No login was made with the new certificate: name the server with --ca.
fact-done-elsewhere = What was ordered is on the card already: it came on another way, and nothing is left to do.
fact-acknowledged = The CA knows that they arrived; the pick-up token is worth nothing now.
fact-logged-in = TLS login with the new authentication certificate: the server saw { $name }.
fact-signature-proven = A signature by the new certificate's signature key was made and verified.

ask-certificates = Is this you? Type "yes":
ask-link = Paste the link that was mailed:
ask-plan = Go ahead? Type "yes":
ask-yes-or-no = This was neither a yes nor a no: type "yes" or "no".
ask-risk = To accept this risk, type "yes":

renew-untouched = The old pair was not touched.
renew-untouched-one = The old certificate was not touched.
renew-untouched-good = It is not revoked: use it on until it ends.

renew-pending = { $count ->
        [one] The order was accepted; the certificate is not there yet. Come back with "obnova renew --resume". The card and its old certificate work as before.
       *[other] The order was accepted; the certificates are not there yet. Come back with "obnova renew --resume". The card and its old certificates work as before.
    }
renew-pending-plain = The order was accepted; the certificate is not there yet. Come back with "obnova renew --resume", and with the card: it speaks for you each time. It and its old certificate work as before.
first-pending = { $count ->
        [one] The order was accepted; the certificate is not there yet. Come back with "obnova first --resume", or use the link that is mailed to you (obnova install).
       *[other] The order was accepted; the certificates are not there yet. Come back with "obnova first --resume", or use the link that is mailed to you (obnova install).
    }
first-pending-plain = The order was accepted; the certificate is not there yet. Come back with "obnova first --resume" and the one-time password (and the user id, if you typed it), or use the link that is mailed to you (obnova install).
first-done = { $count ->
        [one] Your first certificate is on the card, and works.
       *[other] Your first certificates are on the card, and work.
    }
fact-password-unknown = If you picked no revocation password when you ordered, as where that was by plain EST, there is none yet, and whoever loses the card needs it. Set one: obnova revocation-password
first-password-later = There is no revocation password yet, and whoever loses the card needs it. Set one: obnova revocation-password
renew-done = { $count ->
        [one] Renewed. The old certificate stays on the card until you remove it (obnova card clean). Firefox and other programs find the new one after "obnova register".
       *[other] Renewed. The old pair stays on the card until you remove it (obnova card clean). Firefox and other programs find the new one after "obnova register".
    }
renew-diagnosis = What a help desk needs is in { $file }.

ask-for = The { $name }, { $reason } ({ $tries }):
ask = The { $name } is needed ({ $tries }):
ask-tries = { $tries ->
        [one] 1 try left
       *[other] { $tries } tries left
    }
ask-tries-few = fewer tries left than usual
ask-tries-unknown = the token does not tell how many tries are left

act-certificates = Certificates arrived
certificate-of = { $role } certificate for { $name }, issued by { $issuer }, valid until { $until }

credential-user-id = User id
credential-one-time-password = One-time password
credential-revocation-password = Revocation password
credential-revocation-password-again = Revocation password, once more
credential-old-revocation-password = Revocation password that is set now
credential-why-revocation = Pick a revocation password. With it you can end the certificates when the card is lost; it goes to the CA encrypted, and is kept nowhere here.
credential-may-be-left-out = This service does not ask for one: Enter alone leaves it out, and then no password ends the certificates.
credential-left-out = No revocation password goes with this order, so that no password ends the certificates. One can be set afterwards: by you (obnova revocation-password), or by the issuer.
credential-why-again = This CA is asked by plain EST, and is told each time who asks. The one-time password is written down nowhere here, so it is asked for once more; for this order it stays good.
credential-no-good = { $what }: { $problem }
credential-given-up = { $what }: { $problem }. Nothing was sent: try again. What was begun before is kept, and gone on with (obnova first --resume).
credential-form = this cannot be it; copy it as it was handed over
credential-mistyped = it was mistyped; look at it once more. No guess was spent
credential-length = it has 20 letters and digits; look whether one is missing, or stands there twice. No guess was spent
credential-character = its character { $position } stands in none; there are digits and letters, but no U. No guess was spent
credential-differ = the two typings are not the same
credential-same-as-one-time = take another one than the one-time password
weak-not-text = take letters, digits and signs only
weak-too-long = take at most { $maximum } bytes
weak-too-short = take at least { $minimum } characters
weak-too-plain = take at least { $distinct } different characters

status-none = No renewal was begun on this computer.
status-title = { $name }: { $label }, serial { $serial }
status-certificate = New { $role } certificate: valid until { $until }
status-old = { $count ->
        [one] The old certificate ends on { $until }, and was not touched; whether it was revoked, "obnova doctor" says.
       *[other] The old pair ends on { $until }, and was not touched; whether it was revoked, "obnova doctor" says.
    }

stage-ask = Planned; waits for your yes ({ $command }).
stage-use-link = Next: begin with the link in the mail, or make sure that this arrived.
stage-terms = Next: ask the CA for its certificates.
stage-generate-authentication = Next: make the new authentication key.
stage-generate-signature = Next: make the new signature key.
stage-request = Next: sign the requests.
stage-prepare = The requests are signed. Next: make them an order.
stage-prepare-first = The requests are signed. Next: make them an order, for which the user id and the passwords are asked ({ $command }).
stage-send = Next: send the order, or make sure that it arrived.
stage-pick-up = Accepted; the CA has not issued yet, or the certificates were not picked up. Go on with "{ $command }".
stage-ask-certificates = The certificates are here. Next: look whether they are yours (obnova first --resume).
stage-install = The certificates are here. Next: put them on the card ({ $command }).
stage-acknowledge = On the card. Next: tell the CA.
stage-prove = On the card. Next: try the new pair.
stage-done = Done.
stage-failed = Ended without new certificates.
