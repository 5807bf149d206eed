### What can go wrong with cards and passwords, and what to do about it.

error-nobody-to-ask = There is no terminal to ask for: { $prompt }. Give it with a file descriptor or a file (see --help).
error-nobody-to-answer = There is no terminal to answer at: { $question } Say it beforehand: --yes agrees to the plan of a renewal, --confirm NAME to a removal (see --help).
error-password-unreadable = The password could not be read from { $place }: { $problem }
error-password-missing = { $place } does not have the password, or not enough lines.

error-no-reader = No card reader was found: connect one, and check that its driver is installed.
error-no-card = There is no card in the reader { $reader }: insert the card.
error-card-removed = The card was taken out: insert it again. What was begun can be resumed.
error-card-reset = The card was reset in the middle of the conversation: try again.
error-card-shared = Another program is using the card: wait for it or close it, then try again.
error-service-stopped = The smart card service (pcscd) does not answer: start it, then try again.
error-card-timeout = The card did not answer in time: take it out, insert it again.

error-wrong-password = { $tries ->
        [unknown] The { $name } is wrong.
        [few] The { $name } is wrong, and fewer tries than usual are left.
        [0] The { $name } is wrong, and blocked now: unblock it with the PUK (obnova pin unblock).
        [1] The { $name } is wrong. One try is left; it is not used without a clear yes.
       *[other] The { $name } is wrong. { $tries } tries are left.
    }
error-too-few-tries = The { $name } was not sent: only { $tries } left. If you are sure of it, say so with --spend-last-try; otherwise unblock it with the PUK (obnova pin unblock).
error-blocked = The { $name } is blocked. A blocked PIN is unblocked with the PUK (obnova pin unblock); when the PUK is blocked too, ask the issuer for a new card.
error-not-active = The card is not active yet: it has a transport PIN only. Activate it first.
error-password-form = The { $name } must have { $minimum } to { $maximum } characters. Nothing was sent to the card.
error-card-full = The card is full: remove superseded pairs first (obnova card clean).
error-card-other = { $detail }
error-declined = Nothing was changed.
error-other = { $detail }
error-cancelled = You cancelled. What was done so far is kept, and can be resumed (obnova renew --resume).
error-card-needed = This step needs the card: insert it, and resume with its name (obnova renew --resume --token ...).
error-wrong-card = This is another card (serial { $found }) than the one the renewal was begun with ({ $wanted }).
error-last-try-kept = Only one try is left for the { $name }, and it was kept. Unblock it with the PUK (obnova pin unblock), or be sure of it and say so with --spend-last-try.
error-ca = CA: { $detail }
error-journal = Journal: { $detail }
error-refused = The CA refused ({ $reason }): { $text }. The old pair was not touched.
error-rejected = What the CA sent was not put on the card. { $reason } The old pair was not touched.
error-which-token = Which card? Name it with --token: pcsc, pcsc:READER, pkcs11:URI or sim:FILE (see obnova --help).
error-token-name = --token: { $problem }. It takes pcsc, pcsc:READER, pkcs11:URI, or sim:FILE for a simulated card.
error-unused-option = This command has no use for { $option }: leave it out.
error-token-feature = This build of obnova cannot use { $location }: build it with the feature pcsc or pkcs11.
error-folder-not-empty = { $folder } is not empty: name a new folder.
error-which-ca = Which CA? Name its address with --ca and the certificates it is recognised by with --trust.
error-ca-address = --ca: "{ $address }" is not an address like https://ca.example.
error-file = { $file }: { $problem }
error-no-journal-folder = There is no folder for the journal: name one with --journal.
error-nothing-to-resume = There is no renewal to go on with. Begin one with "obnova renew".
error-under-way = A renewal of this card is under way: go on with it (obnova renew --resume).
error-which-trust = No renewal on this computer waits for these certificates. To put them on the card without its journal, name the certificates that the CA is recognised by with --trust.
