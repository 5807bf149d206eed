### Help. `help-COMMAND` says what a command does, `-more` tells more, `-after` has examples; `help-arg-ID` is an option.

help-obnova = Renew the certificates on your card: new keys on the card, one request, and the old pair keeps working.
help-obnova-after =
    Tokens (--token):
      pcsc            the only card in a reader; meant when none is named (a build with the feature pcsc)
      pcsc:NAME       the card in the reader of this name, or a part of it
      pkcs11:URI      a PKCS#11 token, RFC 7512: "pkcs11:token=LABEL?module-path=/usr/lib/.../module.so"
      sim:FILE        a simulated card in a file (made with "obnova simulator new FILE")

    Exit codes:
      0  done
      1  internal: something that should not happen
      2  usage: the command line was not understood
      3  not eligible: the card, its certificates or this computer do not allow it
      4  PIN: wrong, blocked, or not sent to save the last try
      5  no card, no reader, or the card was taken out
      6  refused: by the certification authority, or by us because what came from it is not right
      7  network: the certification authority was not reached, or is not the one it should be
      8  pending: accepted, not issued yet; come back later
      9  declined: you said no, and what it was about was not done; what was done before is kept
     10  unconfirmed: done, says the certification authority, and it could not be found out whether everybody is told so
    130  interrupted by Ctrl-C: a demo or scenario left nothing behind, and what else was done before is kept

    First steps:
      obnova demo                         see a whole renewal, on a simulated card
      obnova doctor --token pcsc          check reader, card, certificates and CA
      obnova renew --token pcsc --ca https://ca.example --trust ca.pem
help-demo = Play a whole renewal on a simulated card with a CA of its own, and show every step.
help-demo-more = A real TLS connection on this computer, a real database file, real keys. Nothing is left behind, unless --keep names a folder.
help-demo-after =
    Examples:
      obnova demo
      obnova demo --keep /tmp/demo        keeps requests, certificates, journal, APDU trace and CA database
help-scenario = Play a service from end to end, tell the figures of each step, and hold it against every rule of the service.
help-scenario-more = The same renewal as in the demo, for tests and measurements. A token other than the simulated card gets a new pair first: use a token for tests.
help-scenario-after =
    Examples:
      obnova scenario twins                           on a new simulated card (--token profile)
      obnova scenario twins --json
      obnova scenario activation                      a card that arrives inactive
      obnova scenario partner                         a first certificate, and its whole life
      obnova scenario twins --token pcsc:Virtual --pin-file pin --signature-pin-file pin2
help-doctor = Check whether a renewal can work: reader, card, certificates, CA. Each failed line says what to do.
help-doctor-more = It ends with 0 where nothing has to be mended, also while it is too early to renew: its last line says from when on "obnova renew" begins. Where something has to be mended it ends as a renewal would (3, 4, 5, 7). It changes nothing, on the card or on this computer.
help-doctor-after =
    Examples:
      obnova doctor --token pcsc
      obnova doctor --token sim:card.state --ca https://ca.example --trust ca.pem
help-card = Look at the card, and tidy it up.
help-card-list = List the slots of the card with their keys and certificates.
help-card-show = Show everything about the card: who it is, its PINs and tries, what it can do, each certificate.
help-card-activate = Activate a card that arrived inactive: choose its PINs and PUK, then give its transport PIN.
help-card-activate-more = Everything is looked at before the card is touched. If the card is taken out meanwhile, do it again with the same PINs: it goes on where it was.
help-card-activate-after =
    Examples:
      obnova card activate --token pcsc
      obnova card activate --token sim:card.state --transport-pin-fd 3 --pin-fd 3 --signature-pin-fd 3 --puk-fd 3 3<pins
help-card-clean = Remove superseded and expired certificates with their keys, after you have confirmed them by name.
help-card-clean-more = Nothing else is ever offered. A key goes with the last of its certificates: what was encrypted for it cannot be read any more.
help-card-clean-after =
    Examples:
      obnova card clean --token pcsc
      obnova card clean --token pcsc --confirm Authentication --confirm Signature --pin-fd 3 3<pin
help-card-repair = Repair the card's list of what it holds, after a write was torn or another program spoiled it.
help-card-repair-more = What will be done is shown first, and done after you have said yes. Keys and certificates are not touched.
help-card-repair-after =
    Examples:
      obnova card repair --token pcsc
      obnova card repair --token pcsc --yes --pin-fd 3 3<pin
help-pin = Change or unblock a PIN.
help-pin-change = Replace a PIN or the PUK by one of your own.
help-pin-change-after =
    Examples:
      obnova pin change authentication --token pcsc
      obnova pin change signature --token pcsc --signature-pin-fd 0 --new-pin-fd 0 <old-and-new
help-pin-unblock = Set a new PIN with the PUK, after too many wrong ones.
help-pin-unblock-more = It must not be the same as the PUK.
help-pin-unblock-after =
    Examples:
      obnova pin unblock signature --token pcsc
help-renew = Renew the certificates on the card: new keys in free slots, or by --same-key new certificates beside the old ones; one request that the keys of the old certificates vouch for.
help-renew-more = Everything is written into a journal before it is done: close the window at any time, "obnova renew --resume" goes on. What is renewed keeps working, and stays on the card until you remove it. On a card that can only replace keys where they are this is not so: the plan says it, and asks.
help-renew-after =
    Examples:
      obnova renew --token pcsc --ca https://ca.example --trust ca.pem
      obnova renew --resume --token pcsc --ca https://ca.example --trust ca.pem
help-first = Get your first certificates, with the user id and the one-time password that you were given.
help-first-more = Keys are made in empty slots of the card. Everything is written into a journal before it is done, but for passwords: close the window at any time, "obnova first --resume" goes on (by plain EST it asks for the one-time password once more, and for the user id where no --user said it). The one-time password may be typed in small letters, and without its hyphens. Where a service is named (--service, --policy) that does not require a revocation password, Enter alone leaves it out; where none is named it is asked for, since it is not known whether the CA takes an order without. The certificates are shown before they are put on the card, where the service says so.
help-first-after =
    Examples:
      obnova first --token pcsc --ca https://ca.example --trust ca.pem --user jana
      obnova first --token pcsc --ca https://ca.example --trust ca.pem --user jana --service partner --wait
      obnova first --token pcsc --ca https://ca.example --trust ca.pem --user jana --policy my-service.toml
      obnova first --resume --token pcsc
help-status = Tell how far the renewal in the journal has come, and what happens next. Needs no card and no PIN.
help-install = Install certificates that came by mail, as files or by a link; they are matched to the keys on the card.
help-install-more = The card and the link or the files are enough, also when the journal is lost or on another computer. Files are PEM, DER or PKCS#7. Of a pair that was requested together both are installed, or neither; the other one is found by itself when it lies in the same folder, in a file whose name ends as certificates do (.pem, .crt, .cer, .der, .p7b, .p7c). A link opens the certificates to whoever has it, and what a command is given can be seen by every user of this computer: write - in place of the link, and paste it when it is asked for, or give it on standard input: there it is in no list of programs and in no history, and what is asked afterwards is asked at the terminal all the same.
help-install-after =
    Examples:
      obnova install authentication.pem signature.pem --token pcsc
      obnova install - --token pcsc --trust ca.pem
      obnova install - --token pcsc --trust ca.pem < link.txt
help-export = Write the certificates out for banks and portals: PEM, DER and a summary. No PIN is needed.
help-export-after =
    Examples:
      obnova export --to for-my-bank --token pcsc
      obnova export --slot 3 --token sim:card.state
help-register = Tell Firefox, Thunderbird, Chromium and p11-kit where the card's certificates are.
help-register-more = They get a library that reaches the card and, with --ca and --trust, the certificates of the issuer. Your certificates and keys stay on the card, and no website becomes trusted by it. What will be done is shown first; it may be done again at any time, and --remove takes it back.
help-register-after =
    Examples:
      obnova register --ca https://ca.example --trust ca.pem
      obnova register --nss ~/.mozilla/firefox/abcd1234.default --remove
help-simulator = A simulated card: make one, attach it to a reader, tear it out at the wrong moment.
help-simulator-new = Make a simulated card in a file, with a pair that expires in 20 days.
help-simulator-new-more = Without PIN options its PINs are for play, and are printed. With --house its pair is issued by that CA (made with "obnova-ca init"), otherwise by one made for the moment. With --applicant it is the card of somebody who applied there and paid: inactive, with a serial number of its own, and what is printed goes to "obnova-ca applicant personalise".
help-simulator-new-after =
    Examples:
      obnova simulator new card.state
      obnova simulator new card.state --house ca-folder
      obnova simulator new card.state --house ca-folder --applicant 4f3e... --transport-pin-file FILE
help-simulator-serve = Put a simulated card into a virtual reader (vpcd), so that every program on this computer sees it.
help-simulator-serve-after =
    Examples:
      obnova simulator serve card.state
help-simulator-tear = Tear the card out at the N-th command of its next use, to see what is left.
help-simulator-tear-after =
    Examples:
      obnova simulator tear card.state --at 12
      obnova renew --token sim:card.state ...     is torn; then
      obnova renew --resume --token sim:card.state ...
help-completions = Print completions for a shell.
help-completions-after =
    Examples:
      obnova completions bash > ~/.local/share/bash-completion/completions/obnova

help-arg-token = Where the card is: pcsc, pcsc:READER, pkcs11:URI or sim:FILE (see obnova --help)
help-arg-user = The user id that you were given
help-arg-of_module = For which module of the service the one-time password is, where it has several
help-arg-service = One of the services that are built in; twins when neither this nor --policy is there
help-arg-link = Begin with the link in the mail that said that the certificates end, or with - and the link pasted when it is asked for, or on standard input; it names the CA too
help-arg-plain = Ask by plain EST (RFC 7030) whatever the service says, for one certificate; a one-time password goes to the issuer's server then, inside TLS
help-arg-same_key = Keep the keys: new certificates beside the old ones, no new keys
help-arg-one_time_password_fd = Read the one-time password from this file descriptor
help-arg-one_time_password_file = Read the one-time password from this file
help-arg-revocation_password_fd = Read the revocation password from this file descriptor
help-arg-revocation_password_file = Read the revocation password from this file
help-arg-ca = Address of the certification authority
help-arg-trust = Certificates (PEM) by which the certification authority is recognised
help-arg-journal = Folder of the journal [default: obnova in the state folder of your account]
help-arg-trace = Write what is said to the card into this file; PINs are left out
help-arg-no_pad = Enter PINs at this computer's keyboard, also where the reader has keys of its own
help-arg-keep = Keep everything that was made in this folder, with a README
help-arg-scenario = Which service to play
help-arg-policy = The file of any other service (policies/README.md)
help-arg-json = Print one JSON object
help-arg-nss = Only this NSS database: a folder with cert9.db (may be given more than once)
help-arg-module = The card's PKCS#11 library [default: that of the token, or OpenSC's]
help-arg-remove = Take back what was registered
help-arg-resume = Go on with what the journal has, where it was left
help-arg-yes = Go ahead without asking, after the plan or what came was printed; a risk by the card's nature is asked about all the same
help-arg-transport_pin_fd = Read the transport PIN from this file descriptor
help-arg-transport_pin_file = Read the transport PIN from this file
help-arg-inactive = Hand the card over inactive, with this kind of transport PIN; an applicant's card is so in any case, "separate" unless you say another kind
help-arg-pin_fd = Read the authentication PIN from this file descriptor
help-arg-pin_file = Read the authentication PIN from this file
help-arg-signature_pin_fd = Read the signature PIN from this file descriptor
help-arg-signature_pin_file = Read the signature PIN from this file
help-arg-puk_fd = Read the PUK from this file descriptor
help-arg-puk_file = Read the PUK from this file
help-arg-new_pin_fd = Read the new PIN or PUK from this file descriptor
help-arg-new_pin_file = Read the new PIN or PUK from this file
help-arg-spend_last_try = Yes, use the last try too: if it is wrong, that password is blocked, and a card that is not active is finished
help-arg-confirm = Name of what may be removed, instead of being asked for it (may be given more than once)
help-arg-changed = Which one
help-arg-unblocked = Which one
help-arg-certificates = Files with certificates, the link that was mailed, or - for links on standard input
help-arg-to = Folder to write into
help-arg-slots = Only the certificates in this slot (may be given more than once)
help-arg-state = File of the simulated card
help-arg-served = File of the simulated card
help-arg-torn = File of the simulated card
help-arg-wait = Wait for the CA, as long as it takes, instead of ending with exit code 8
help-arg-days = Days until the pair on the new card expires: 20 unless you say so, and of an applicant's card as many as the CA's policy says
help-arg-empty = No pair on the new card
help-arg-serial = Serial number of the new card [default: OBN00000001; with --applicant one of its own]
help-arg-authentication_key = Kind of the authentication key of the first pair
help-arg-signature_key = Kind of the signature key of the first pair
help-arg-how = When the power is lost: before the command is acted on, inside of it, after it
help-arg-house = Folder of the CA that issues the card's first pair
help-arg-applicant = Whose card it is: somebody who applied to that CA and paid, as "obnova-ca applicant list" names them
help-arg-port = Port that vpcd listens at
help-arg-at = Command, counted from 1
help-arg-shell = Which shell
