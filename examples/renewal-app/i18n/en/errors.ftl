### What can go wrong with cards and passwords, and what to do about it.

error-nobody-to-ask = There is no terminal to ask for: { $prompt }. Give it beforehand: { $option } (see --help).
error-nobody-to-ask-first = There is no terminal to ask for: { $prompt }. What is under way is a first order: go on with "obnova first --resume", and give it beforehand: { $option }.
error-nobody-to-answer = There is no terminal to answer at: { $question } Say it beforehand: { $option } (see --help).
error-nobody-at-terminal = There is no terminal to answer at: { $question } No option says this for you: begin again at a terminal.
error-password-unreadable = The password could not be read from { $place } ({ $problem }): name a file or descriptor that can be read.
error-password-missing = { $place } does not have the password, or not enough lines: put each on a line of its own.

error-no-reader = No card reader was found: connect one, and check that its driver is installed.
error-no-card = There is no card in the reader { $reader }: insert the card.
error-card-removed = The card was taken out: insert it again, and do the same once more.
error-card-removed-kept = The card was taken out: insert it again, and do the same once more. A renewal or an order that was begun by then is kept: see how to go on with it (obnova status).
error-card-reset = The card was reset in the middle of the conversation: try again.
error-card-shared = Another program is using the card: wait for it or close it, then try again.
error-service-stopped = The smart card service (pcscd) does not answer: start it, then try again.
error-card-timeout = The card did not answer in time: take it out, insert it again.

error-wrong-password = { $tries ->
        [unknown] The { $name } is wrong. Look it up before you try again.
        [few] The { $name } is wrong, and fewer tries than usual are left. Look it up before you try again.
        [0] The { $name } is wrong, and blocked now. Where the PUK sets a new one "obnova card show" offers it; otherwise ask the issuer for a new card.
        [1] The { $name } is wrong. One try is left; it is not used without a clear yes. Look it up first.
       *[other] The { $name } is wrong. { $tries } tries are left. Look it up before you try again.
    }
error-wrong-password-lost = The { $name } is wrong, and blocked now, and no PUK unblocks it any more: what it guards is lost. Ask the issuer for a new card.
error-too-few-tries = The { $name } was not sent: only { $tries } left. If you are sure of it, say so with --spend-last-try; what else can be done "obnova card show" tells.
error-blocked = The { $name } is blocked. Where the PUK sets a new one "obnova card show" offers it; otherwise ask the issuer for a new card.
error-puk-blocked = The PUK is blocked: no PIN of this card can be unblocked any more. What is not blocked works on. Ask the issuer for a new card.
error-puk-not-taken = This program sends no PUK to this card, which is of an old version: with a digit too many the card would set another value than you chose, and not say so. Ask the issuer for a newer card.
error-pin-dead = The { $name } is blocked, and no PUK unblocks it any more: what it guards is lost. Ask the issuer for a new card.
error-card-finished = The card is finished: it was never activated, and its { $name } has no try left. Ask the issuer for a new card.
error-card-finished-now = The { $name } was wrong, and no try is left. The card is finished: it was never activated. Ask the issuer for a new card.
error-transport-pin-again = The new { $name } must not be the transport PIN: the card's maker knows that one. Nothing was sent to the card. Choose another one.
error-no-control = The reader cannot be spoken to, only the card in it: enter PINs at the keyboard.
error-pin-pad = Nothing was entered at the reader: { $problem }. Try again.
error-not-active = The card is not active yet. Activate it first (obnova card activate).
error-password-form = The { $name } must have { $length }. Nothing was sent to the card. Choose one that has.
error-card-full = The card is full: remove superseded pairs first (obnova card clean).
error-reader-not-found = No reader is called "{ $wanted }": connect it, or choose one of: { $present }.
error-reader-ambiguous = Several readers fit: choose one of: { $candidates }.
error-card-mute = The card does not answer: insert it the right way round. If that does not help, the card or its chip is broken.
error-access-denied = The smart card service (pcscd) refuses this user: log in at the machine itself, or ask its administrator (polkit).
error-card-io = Talking to the card failed ({ $problem }): take it out, insert it again, and try once more.
error-replay = The conversation differs from the recorded one at line { $line }: recorded { $expected }, now { $got }. Record it anew.
error-unknown-card = The card in { $place } is of a kind that is not known here: insert the right card, or use it through its PKCS#11 module (--token pkcs11:URI).
error-card-slot = Slot { $slot } of the card: { $problem }. If it was empty a moment ago, another program is using the card too: look with obnova card list, and begin anew.
error-card-unsupported = This card cannot { $what }: use another card, or ask the issuer for a newer one.
error-other-card = This is another card (serial { $found }) than the one that was there before ({ $wanted }). No PIN was sent to it. Insert the first one again, or begin anew with this one.
error-token-in-use = { $process ->
        [unknown] Another program is using the token "{ $label }": wait for it, or end it first. Nothing was done with the token.
       *[other] Another program (process { $process }) is using the token "{ $label }": wait for it, or end it first. Nothing was done with the token.
    }
error-token-lock = Whether another program is using the token cannot be found out: { $file } cannot be used ({ $problem }). Remove it, or make its folder writable.
error-module = The card's PKCS#11 module failed in { $call }: { $problem }. Try again. If it stays, ask who made the module.

# What no sound card says: it is worn out, or made to deceive.
error-card-refused = The card refused { $command } ({ $status }): take it out and in again, and try once more. If it stays, ask the issuer.
error-card-exchange = The card, or the reader, does not keep to the rules in answering { $command } ({ $problem }): clean the card's contacts, or try another reader. If it stays, do not use this card.
error-card-status = What the card says of itself makes no sense ({ $problem }): take it out and in again. If it stays, ask the issuer.
error-card-directory = The card's list of what it holds cannot be read ({ $problem }): repair it (obnova card repair). The keys and certificates themselves are not touched by this.
error-card-entered-twice = The card's list of what it holds has two keys for slot { $slot }: repair it (obnova card repair). The keys and certificates themselves are not touched by this.
error-card-entered-beyond = The card's list of what it holds names slot { $slot }, which the card does not have: repair it (obnova card repair). The keys and certificates themselves are not touched by this.
error-card-more-than-said = The card sent more than the { $said } bytes that it said are in a file: take it out and in again. If it stays, do not use this card.
error-card-public-key = What the card gave as a public key is none ({ $problem }): do not use this card, and tell the issuer.
error-card-other-kind = The card gave a { $found } key where a { $wanted } key belongs: do not use this card, and tell the issuer.
error-card-key-not-new = The card gave a key as new that is not: nothing was done with it. Do not use this card, and tell the issuer.
error-card-wrong-signature = A signature by the card is wrong, and was not sent anywhere: try once more. If it stays, do not use this card, and tell the issuer.
error-tries-went-up = The { $name } was wrong, and the card says that { $after } tries are left where { $before } were. A sound card does not say so: do not enter the { $name } again, and ask the issuer.
error-not-granted = The card took the { $name }, and then refused { $command } as if it had not: take it out and in again. If it stays, do not enter the { $name } again, and ask the issuer.
error-not-activated = The card says that it is active, and that the { $name } is not as it has to be then: take it out and in again. If it stays, do not use this card.
error-card-malformed = The card's answer to { $command } makes no sense ({ $problem }): take it out and in again. If it stays, do not use this card.
error-card-too-many-objects = The token lists more than { $most } objects of one kind: remove what is not needed with its own software. If it stays, do not use this token.
error-card-too-long-object = The token says that one of its objects has { $length } bytes, and at most { $most } are read: remove it with the token's own software. If it stays, do not use this token.
error-card-other = { $detail }. Try again. If it stays, ask the issuer.
error-declined = Nothing was changed. Begin again when you agree.
error-other = { $detail }. Look at what is there (obnova status), then try again.
error-no-answer = There was no yes and no no to: { $question } Nothing was done for want of it, and what was done before is kept. Begin again, or go on with it (obnova status).
error-cancelled = { $errand ->
        [renewal] You cancelled. What was done so far is kept, and can be resumed (obnova renew --resume).
        [first] You cancelled. What was done so far is kept, and can be resumed (obnova first --resume).
       *[other] You cancelled. What was done before stays as it is: do the same once more when you want to go on.
    }
error-interrupted = You broke it off. What was done before is kept: look at it (obnova status).
error-standing-kept = What was begun is kept, and can be resumed (obnova renew --resume).
error-card-needed = { $errand ->
        [renewal] This step needs the card: insert it, and resume with its name (obnova renew --resume --token ...).
        [first] This step needs the card: insert it, and resume with its name (obnova first --resume --token ...).
       *[other] This step needs the card: insert it, and do the same once more.
    }
error-wrong-card = This is another card (serial { $found }) than the one it was begun with ({ $wanted }): insert that one.

# The last try of a password, or what may be it, was kept: only what can work on this card is advised.
last-try-was-wrong = The { $name } that was given was wrong, and cost a try: one is left.
last-try-was-wrong-untold = The { $name } that was given was wrong, and cost a try; the card does not tell whether more than one is left.
last-try-sure = If you are sure of it, say so with --spend-last-try
last-try-sure-of-another = If you are sure of another { $name }, give that one with --spend-last-try
error-last-try-kept-or =
    The last try for the { $name }, or what may be the last, was kept. { $sure }; if not, do this:
    { $instead }
error-last-try-kept-pin = The last try for the { $name }, or what may be the last, was kept. Nothing on this card sets a new one. { $sure }; if not, ask the issuer.
error-last-try-kept-puk = The last try for the { $name }, or what may be the last, was kept. Nothing sets a new one; what does not take it works on. { $sure }; if not, leave it.
error-last-try-kept-transport = The last try for the { $name } was kept: with a wrong one the card is finished. Nothing sets a new one. { $sure }; if not, ask the issuer.

# The issuer's server. Nothing is lost by any of these.
ca-kept = What was begun is kept.
error-ca-unreachable = The issuer's server { $server } cannot be reached ({ $problem }): check the network, then try again.
error-ca-timeout = The issuer's server { $server } did not answer in time: try again later.
error-ca-tls = There is no trusted connection to the issuer's server { $server } ({ $problem }): check the address, the certificates given with --trust, and the clock of this computer.
error-ca-status = The issuer's server answered with HTTP status { $status }: try again later, or ask the issuer.
error-ca-status-text = The issuer's server answered with HTTP status { $status } ("{ $text }"): try again later, or ask the issuer.
error-ca-too-large = The issuer's server sent more than { $limit } bytes, and was left: check the address, and tell the issuer.
error-ca-answer = The issuer's answer is not believed ({ $problem }), and nothing was done with it: try again. If it stays, tell the issuer.
error-ca-server = The issuer's server gave no answer that can be used ({ $problem }): try again later. If it stays, tell the issuer.
error-ca-redirect = The issuer's server sends the request on to "{ $location }". It was not followed: check the address given with --ca, or ask the issuer.
error-ca-redirects = What was sent was not sent on ({ $problem }): check the address given with --ca, or ask the issuer.
error-ca-wrong-password = { $errand ->
        [first] The issuer does not know this user id with this password: look at both, then go on (obnova first --resume). Wrong guesses are counted.
       *[other] The issuer's server wants a user id and a password, and only first orders have them: check the address given with --ca, or ask the issuer.
    }
error-ca-who-asks = { $errand ->
        [first] The issuer wants to know who asks each time: give the user id and the one-time password once more (obnova first --resume).
       *[other] The issuer's server wants a user id and a password, and only first orders have them: check the address given with --ca, or ask the issuer.
    }
error-ca-busy = The issuer's server is busy, or is being worked on: try again later.
error-ca-too-often = { $errand ->
        [first] The issuer does not look at this now ({ $problem }): that is so after wrong passwords for a user id, also those of others. Do as it says, then go on (obnova first --resume).
        [renewal] The issuer does not look at this now ({ $problem }): it was asked too often, be it by others. Do as it says, then go on (obnova renew --resume).
        [revocation] The issuer does not look at this now ({ $problem }): that is so after wrong revocation passwords, also those of others. Do as it says.
        [revocation-password] The issuer does not look at this now ({ $problem }): that is so after wrong revocation passwords by who had the card. Do as it says.
       *[other] The issuer does not look at this now ({ $problem }): it was asked too often, be it by others. Do as it says, then try again.
    }
error-ca-forbidden = The issuer's server does not let you in ({ $problem }): check the address given with --ca, or ask the issuer.
error-ca-forbidden-says = The issuer's server does not let you do this: { $text }. Do as it says, or ask the issuer.
error-ca-other-issuer = The issuer's server belongs to another issuer than the one that is trusted here: check the address given with --ca and the certificates given with --trust.
error-ca-unvouched = The issuer's server sent certificates that nobody signed for, and that are not those that were ordered. They were not used: try again. If it stays, tell the issuer.
error-ca-protocol = The issuer's answer cannot be used ({ $problem }): try again. If it stays, tell the issuer.
error-ca-foreign = This renewal was begun with another kind of connection to the issuer ({ $problem }): go on with it as it was begun, by plain EST with --plain, and else without.
error-ca-order = The order cannot be made for this issuer ({ $problem }): check the options, or ask the issuer.
error-ca-random = This computer gives no random numbers: restart it, then try again.
error-ca = CA: { $detail }. Try again. If it stays, tell the issuer.
error-unvouchable = The connection to the issuer asks the old { $role } key for a signature that it should not give. It was not given: tell the issuer.
error-no-pick-up = The issuer accepted the order, and gave nothing to fetch it with: ask the issuer.
error-no-anchors = There is no certificate to recognise the issuer by: name it with --trust.

error-wrong-key = The card made another kind of { $role } key than was ordered, or gave back the old one: try again. If it stays, do not use this card.
error-begun = There is a renewal in this journal already: go on with it (obnova renew --resume).
error-no-login = The plan has a login, and no server to log in to is given: name it with --ca.
error-not-on-card = The card does not show what was written to it: look at it again (obnova card list). If it stays, ask the issuer.
error-nothing-to-do = There is nothing to do: look at what is there (obnova status).
error-process = This does not belong to the renewal that is under way ({ $detail }): look at what is there (obnova status), and go on with it.
error-login-nobody = The server let the connection in without asking for the new certificate ({ $detail }): ask who runs the server.
error-login-refused = The server refused the new certificate (HTTP status { $status }): ask who runs the server. The certificate is on the card.
error-login-card = The card failed during the login ({ $problem }): take it out and in again, and try once more.
error-login-key = The key of the new certificate cannot be used for a login ({ $problem }): ask the issuer.
error-login-connection = The server to log in to cannot be reached ({ $problem }): check the network, then try again.

error-journal = Journal: { $detail }. Try again. If it stays, report it with what "obnova doctor" says.
error-journal-locked = { $process ->
        [unknown] Another program works with { $file }: wait for it, or end it first.
       *[other] Another program (process { $process }) works with { $file }: wait for it, or end it first.
    }
error-journal-exists = There is a renewal in { $file } already: go on with it (obnova renew --resume).
error-journal-missing = There is no journal { $file }: nothing can be resumed from it. Look at what is there (obnova status).
error-journal-name = "{ $name }" cannot be the name of a renewal: use 1 to 64 letters, digits, - and _.
error-journal-newer = { $file } was written by a newer version of this program: use that one.
error-journal-broken = Journal: { $problem } (obnova card list).

# How a renewal ended without new certificates.
ended-certificates-declined = You did not agree to the certificates, so they were not put on the card. They are kept, and "obnova first --resume" shows them and asks you once more. If what stands in them is wrong, tell the issuer, and have them revoked ({ $command }).
ended-certificates-declined-before = You did not agree to the certificates, so they were not put on the card. If what stands in them is wrong, tell the issuer, and have them revoked ({ $command }).
ended-certificates-declined-here = You did not agree to the certificates, so they were not put on the card. Do the same once more, and you are asked again. If what stands in them is wrong, tell the issuer, and have them revoked (obnova revoke FILE).
ended-old-keys-needed = This issuer wants the old keys to vouch for the new ones, and on this card the old keys would be gone by then. Nothing was done: ask the issuer for a new card, or a one-time password.
ended-pair-expired = The old certificates expired before the order was sent: ask the issuer for a new first certificate.
ended-slot-taken = Slot { $slot } was taken by something else in the meantime: begin again.
ended-key-lost = The public half of the key in slot { $slot } was lost, and the card cannot tell it: remove it (obnova card clean), and begin again.
ended-key-gone = The { $role } key is not on the card any more: begin again.
ended-read-back = The card does not show what was written to it: do not use it, and ask the issuer.
ended-inconsistent = The renewal does not fit together. This is a fault of the program: report it with what "obnova doctor" says.

error-refused = The CA refused ({ $reason }): { $text }. Do as it says, or ask the issuer.
error-refused-keys = { $count ->
        [one] The new key stays in slot { $slots } for the next renewal, or can be removed (obnova card clean).
       *[other] The new keys stay in slots { $slots } for the next renewal, or can be removed (obnova card clean).
    }
error-refused-first = This order is over, and what was on the card was not touched. The next order (obnova first) goes on with the keys that were made; if the CA wants others, remove them before it (obnova card clean).
error-refused-first-password = Its one-time password is used up: ask for another one before that.
error-refused-first-keys = This order is over, and what was on the card was not touched. The next order (obnova first) is made with new keys; those that the CA refused can be removed (obnova card clean).
ca-bad-alg = an algorithm is unknown or not allowed
ca-bad-message-check = a signature on the message does not verify
ca-bad-request = the request is not permitted
ca-bad-time = the clock of this computer is too far from the CA's
ca-bad-cert-id = it knows no certificate as named
ca-unsupported-ext = it does not grant something that was asked for
ca-must-archive-keys = it would have to keep a copy of the key
ca-bad-identity = who asks may not ask for this
ca-pop-required = a proof that the card has the keys is missing
ca-pop-failed = the proof that the card has the keys is wrong
ca-no-key-reuse = a key had a certificate before
ca-internal-ca-error = the CA itself failed
ca-try-later = not now, try again later
ca-auth-data-fail = the data that identifies the holder is wrong
ca-unspecified = no reason was given
error-rejected = What the CA sent was not put on the card. { $reason } Tell the issuer.
error-which-token = Which card? Name it with --token: pcsc, pcsc:READER, pkcs11:URI or sim:FILE (see obnova --help).
error-token-name = --token: { $problem }. Name pcsc, pcsc:READER, pkcs11:URI, or sim:FILE for a simulated card.
error-unused-option = This command has no use for { $option }: leave it out.
error-token-feature = This program was built so that it cannot use { $location }: build it with the feature pcsc or pkcs11.
error-folder-not-empty = { $folder } is not empty: name a new folder.
error-which-ca = Which CA? Name its address with --ca and the certificates it is recognised by with --trust.
error-ca-without-trust = { $address } was named: name the certificates that this CA is recognised by, too, with --trust.
error-trust-without-ca = The certificates that a CA is recognised by were named: name its address, too, with --ca.
error-trust-file = { $file }: { $problem }. Check that it is there, and that you may use it: --trust names a PEM file of the certificates that the CA is recognised by.
error-ca-address = --ca: "{ $address }" is not an address: name one like https://ca.example.
error-file = { $file }: { $problem }. Check that it is there, and that you may use it.
error-full = There is no room left ({ $problem }): make some, and start the same again. What was done before is kept.
error-unsaid = It is done, but not all of it could be told: { $problem }. Make room for what it says; "obnova status" tells what was done.
error-service = { $file }: { $problem }
    Mend the file, or ask whoever gave it to you for another one; policies/README.md says what each field means.
error-no-journal-folder = There is no folder for the journal: name one with --journal.
error-nothing-to-resume = There is no renewal to go on with. Begin one with "obnova renew".
error-nothing-to-resume-first = There is no first order to go on with. Begin one with "obnova first".
error-under-way = A renewal of this card is under way: go on with it (obnova renew --resume).
error-under-way-first = A first order for this card is under way: go on with it (obnova first --resume).
error-no-same-key = The CA of this service certifies no key again: leave --same-key out, or name the file of another service (--policy).
error-other-way = What is under way was begun in another way: leave --plain and --module out, and it goes on as it was begun.
error-which-trust = No renewal on this computer waits for these certificates. To put them on the card without its journal, name the certificates that the CA is recognised by with --trust.
error-link-over = This link begins nothing any more: a renewal was begun with it, this one or another, the issuer ended it, or the certificates are renewed, revoked, on hold or over. Begin with --ca instead: what was ordered already is gone on with. Or ask the issuer.
error-link-on-hold = A certificate that would be renewed by this link is on hold: ask the CA to end the hold, and come back with the same link.
error-link-revoked = A certificate that would be renewed by this link is revoked, and without it nothing is: ask the CA for new certificates.
error-link-other-card = This link is for the certificates of another card, or not for all that would be renewed on this one: insert the card that it is for. Of a service with one certificate only, name it: --service partner, or --policy FILE with the service's own file.
error-link-no-renewal = This link does not begin a renewal: copy all of it from the mail that says that your certificates end.
error-link-trust = To follow the link, name the certificates that the CA is recognised by with --trust.
error-no-link = This is not a link like https://ca.example/...: copy all of it from the mail.
error-link-undecided = The CA has not decided yet. Follow the link again later; the keys on the card wait.
error-link-rejected = The CA rejected the order behind this link: ask the CA why. What was on the card before is there as it was.
error-link-unknown = The CA does not know this link. Copy all of it from the mail, or ask the CA for another.
error-receipt = The certificates are on the card. Whether the CA knows it and the link is closed, is not known: { $problem } Do the same once more; nothing is written twice.
error-receipt-owed = The certificates are on the card. Whether the CA knows it and the link that it mailed is closed, is not known: { $problem } Tell it with "{ $command }", or follow the link (obnova install LINK).
error-receipt-refused = The certificates are on the card. The CA did not take the receipt ({ $reason }: { $text }): the link stays open. Ask the CA.
error-link-spent = This link was used up when its certificates were put on a card. See whether they are on this one (obnova card list).
